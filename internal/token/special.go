package token

import "encoding/binary"

// MintView makes the token of a version of a view. The id is at most 256 bytes long.
func (k *Keyring) MintView(id string, version int) string {
	return k.Seal(View, append(binary.BigEndian.AppendUint32(nil, uint32(version)), id...))
}

// OpenView reads a token made by MintView.
func (k *Keyring) OpenView(tok string) (id string, version int, err error) {
	body, err := k.Open(View, tok)
	if err != nil {
		return "", 0, err
	}
	if len(body) < 4 {
		return "", 0, ErrInvalid
	}
	return string(body[4:]), int(binary.BigEndian.Uint32(body)), nil
}

// MintAuth makes the state of an authentication: of a chat, and its session.
func (k *Keyring) MintAuth(chat, session [16]byte) string {
	return k.Seal(Auth, append(chat[:], session[:]...))
}

// OpenAuth reads a state made by MintAuth.
func (k *Keyring) OpenAuth(tok string) (chat, session [16]byte, err error) {
	body, err := k.Open(Auth, tok)
	if err != nil {
		return chat, session, err
	}
	if len(body) != 32 {
		return chat, session, ErrInvalid
	}
	return [16]byte(body), [16]byte(body[16:]), nil
}

// Secret is a key for another purpose: the same for everybody who has this keyring's first
// key, and of no use to find it out.
func (k *Keyring) Secret(purpose string) []byte {
	return mac(k.macs[0], nil, append([]byte{version, 0}, purpose...)) // no kind is 0
}
