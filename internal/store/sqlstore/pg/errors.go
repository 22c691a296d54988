package pg

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
)

// PostgreSQL's codes, which are in its documentation, appendix A.
const (
	codeReadOnly            = "25006" // read_only_sql_transaction: the primary was replaced
	codeSerialization       = "40001"
	codeDeadlock            = "40P01"
	codeTooManyConnections  = "53300"
	codeDiskFull            = "53100"
	codeAdminShutdown       = "57P01"
	codeCrashShutdown       = "57P02"
	codeCannotConnectNow    = "57P03"
	codeIdleSession         = "57P05"
	codeWrongPassword       = "28P01"
	codeNotAuthorized       = "28000"
	codeNoDatabase          = "3D000"
	codeNoSchema            = "3F000"
	codeNoPrivilege         = "42501"
	codeLockNotAvailable    = "55P03"
	codeProtocolViolation   = "08P01" // also what pgbouncer says when it can't go on
	codeQueryCanceled       = "57014"
	codeIdleInTransaction   = "25P03"
	codeConnectionException = "08" // a class
)

// passing are the codes of what may be over when it is tried again.
var passing = []string{
	codeReadOnly, codeSerialization, codeDeadlock, codeTooManyConnections, codeAdminShutdown, codeCrashShutdown,
	codeCannotConnectNow, codeIdleSession, codeLockNotAvailable, codeQueryCanceled, codeIdleInTransaction,
}

// Transient reports whether an error may be gone when the same is tried again, perhaps
// on another connection or host.
func Transient(err error) bool {
	var refused refusal
	var e *pgconn.PgError
	switch {
	case err == nil || errors.As(err, &refused):
		return false
	case errors.As(err, &e):
		return slices.Contains(passing, e.Code) || e.Code[:2] == codeConnectionException
	}
	return lost(err)
}

// readOnly reports whether an error is the answer of a database that can only be read now.
func readOnly(err error) bool {
	var e *pgconn.PgError
	return errors.Is(err, errReadOnly) || errors.As(err, &e) && e.Code == codeReadOnly
}

// lost reports whether an error is that of a connection, or of one that took too long.
func lost(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, errReadOnly) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, pgconn.ErrConnClosed) ||
		errors.Is(err, context.DeadlineExceeded)
}

// poisoned reports whether an error is about the data of a statement, so that a part
// of it may be stored without the rest.
func poisoned(err error) bool {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return !lost(err) // the driver could not send it
	}
	switch e.Code[:2] {
	case "21", "22", "23", "44", "54", "P0": // data, constraints, limits, a trigger's own
		return true
	}
	return false
}

// Explain makes a sentence of an error: what is wrong, and what to do.
func (s *Server) Explain(err error) error {
	var refused refusal
	if errors.As(err, &refused) {
		return fmt.Errorf("%s: %w", s.name, refused)
	}
	var e *pgconn.PgError
	code := ""
	if errors.As(err, &e) {
		code = e.Code
	}
	switch code {
	case codeWrongPassword, codeNotAuthorized:
		return fmt.Errorf("%s refuses Parley's user: check user and password in the URL, and pg_hba.conf: %w", s.name, err)
	case codeNoDatabase:
		return fmt.Errorf("%s does not exist: make it with CREATE DATABASE: %w", s.name, err)
	case codeNoSchema:
		return fmt.Errorf("%s has no schema for Parley: make the one that search_path names with CREATE SCHEMA: %w", s.name, err)
	case codeNoPrivilege:
		return fmt.Errorf("%s: Parley's user lacks a privilege: let it create tables in its schema, or take the schema's steps with a user who may and grant it SELECT, INSERT and UPDATE: %w", s.name, err)
	case codeDiskFull:
		return fmt.Errorf("there is no room left for %s: make room on its disk: %w", s.name, err)
	case codeLockNotAvailable:
		return fmt.Errorf("somebody keeps a lock in %s: another node at the schema's steps, or who pg_locks says: %w", s.name, err)
	case codeTooManyConnections:
		return fmt.Errorf("%s has no connection left: raise max_connections, or put a pooler before it: %w", s.name, err)
	}
	if Transient(err) {
		return fmt.Errorf("%s can't be reached or can't be written to now: %w", s.name, err)
	}
	return fmt.Errorf("%s: %w", s.name, err)
}
