package center

import (
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/alexedwards/argon2id"
)

// maxHashMemory bounds what a log-in may take, in KiB.
const maxHashMemory = 1 << 20

// nobody's password is none: a log-in under an unknown name takes as long as any other.
const nobody = "$argon2id$v=19$m=65536,t=1,p=2$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// LogIn finds the user who has this password. It takes time and memory on purpose;
// callers limit how often it is tried.
func (c *Center) LogIn(id, password string) (User, bool) {
	u, ok := c.users[id]
	switch {
	case !ok || u.password == "" && u.hash == "":
		_, _ = argon2id.ComparePasswordAndHash(password, nobody)
		return User{}, false
	case u.hash != "":
		ok, _ = argon2id.ComparePasswordAndHash(password, u.hash) // was checked when it was read
	default:
		ok = subtle.ConstantTimeCompare([]byte(password), []byte(u.password)) == 1
	}
	if !ok {
		return User{}, false
	}
	return u, true
}

// checkHash refuses what is no usable argon2id hash.
func checkHash(hash string) error {
	p, salt, key, err := argon2id.DecodeHash(hash)
	switch {
	case err != nil:
		return fmt.Errorf("is not an argon2id hash like $argon2id$v=19$m=65536,t=1,p=2$…: %w", err)
	case p.Iterations < 1 || p.Parallelism < 1 || len(salt) < 8 || len(key) < 16:
		return errors.New("is too weak an argon2id hash: it needs t and p of 1 or more, 8 bytes of salt and 16 of key")
	case p.Memory > maxHashMemory:
		return fmt.Errorf("takes %d KiB of memory at each log-in; %d are the most", p.Memory, maxHashMemory)
	}
	return nil
}
