// Package restjson is the server side of AWS REST-JSON 1.1: typed operations,
// validation from struct tags, modelled errors. It knows no chat.
//
// An operation is a line in a table and a function:
//
//	api := restjson.New(options)
//	restjson.Handle(api, "SendMessage", "POST", "/participant/message", s.sendMessage)
//
//	func (s *service) sendMessage(ctx context.Context, in *SendMessageIn) (*SendMessageOut, error)
//
// The struct tags of an input say where its members come from and what holds for them:
//
//	json:"ContentType"       a member of the body
//	header, path, query      a header, a label of the path, a query parameter (by name)
//	required:"true"          neither absent nor null
//	min, max                 characters of a text, items of a list, entries of a map, value of a number
//	maxbytes                 bytes of a text in UTF-8
//	enum:"A|B"               the texts allowed
//	pattern                  a regular expression (RE2); anchored only if it says so
//	itemmin, itemmax         characters of each text in a list or map; enum and pattern
//	                         of a list or map hold for each of them, too
//	keymin, keymax, keypattern  the same for the keys of a map
//
// Scalar members and structs are pointers (nil is absent or null, as in the AWS SDK
// for Go), lists and maps are plain.
//
// [Edge] wraps all that a server answers, operations or not.
package restjson

// Value is what p points at, or the zero value.
func Value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
