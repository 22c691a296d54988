// Package pg is what package sqlstore needs of PostgreSQL only: connections that go to
// the primary and are durable, what its errors mean, how long to try again, and the
// commit of many chats' appends at once.
package pg

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// minVersion is the oldest version of PostgreSQL that is supported and tested.
const minVersion = 15

// idleTime is how long a connection for reading is kept unused.
const idleTime = 5 * time.Minute

// Server is a database that connections can be made to.
type Server struct {
	config *pgx.ConnConfig
	name   string
}

// Parse reads a URL like postgres://user:password@host:5432/database, with several
// hosts perhaps. Its errors show no password.
func Parse(url string) (*Server, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("the URL of the database can't be used: %w", err)
	}
	// Statements are described once for each connection and then sent whole, without a
	// name. So nothing is left in the server's session between transactions, and a
	// pooler may give each transaction another one.
	config.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	config.ValidateConnect = validate
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "parley"
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 2 * time.Second // for each host
	}
	address := net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port)))
	return &Server{config: config, name: fmt.Sprintf("the database %s at %s", config.Database, address)}, nil
}

// Pool gives up to size connections as database/sql knows them.
func (s *Server) Pool(size int) *sql.DB {
	db := stdlib.OpenDB(*s.config)
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	db.SetConnMaxIdleTime(idleTime)
	return db
}

func (s *Server) connect(ctx context.Context) (*pgx.Conn, error) {
	return pgx.ConnectConfig(ctx, s.config.Copy())
}

// refusal is why a database won't do, as a sentence. It stays as it is until somebody
// changes the database.
type refusal string

func (r refusal) Error() string { return string(r) }

// errReadOnly is of a standby, or of a primary that was replaced: another host may be
// the primary, or this one soon.
var errReadOnly = fmt.Errorf("the database is read-only, as a standby is")

// validate looks at a new connection: it must lead to a primary, of a version that is
// known, on which a commit is durable. What a compatible database can't say is not
// held against it.
func validate(ctx context.Context, conn *pgconn.PgConn) error {
	results, err := conn.Exec(ctx, `SELECT current_setting('transaction_read_only', true), current_setting('server_version_num', true),
		current_setting('fsync', true), current_setting('synchronous_commit', true), current_setting('server_encoding', true)`).ReadAll()
	if err != nil {
		return err
	}
	row := results[0].Rows[0]
	return suitable(string(row[0]), string(row[1]), string(row[2]), string(row[3]), string(row[4]))
}

// suitable judges a server by its settings, empty if it does not know one.
func suitable(readOnly, version, fsync, commit, encoding string) error {
	number, err := strconv.Atoi(version)
	switch {
	case readOnly == "on":
		return errReadOnly
	case err == nil && number < minVersion*10000:
		return refusal(fmt.Sprintf("the database is PostgreSQL %d; it must be %d or newer: upgrade it", number/10000, minVersion))
	case fsync == "off":
		return refusal("the database has fsync = off, so that messages could be lost: set it to on in postgresql.conf and restart the database")
	case commit == "off":
		return refusal("the database has synchronous_commit = off, so that messages could be lost: set it to on in postgresql.conf, or for Parley's user with ALTER ROLE ... SET synchronous_commit = on")
	case encoding != "" && encoding != "UTF8":
		return refusal(fmt.Sprintf("the database has the encoding %s, which has no place for some of what people write: make one WITH ENCODING 'UTF8' TEMPLATE template0", encoding))
	}
	return nil
}
