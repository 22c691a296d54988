package restjson_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/parley-chat/parley/internal/restjson"
)

type pointIn struct {
	Id     *string `json:"Id" min:"1" max:"3"`
	Recent *int32  `json:"MostRecent" min:"0" max:"100"`
}

type tagIn struct {
	Key *string `json:"Key" required:"true"`
}

type everythingIn struct {
	Instance *string             `path:"InstanceId" required:"true" min:"1" max:"10"`
	Token    *string             `header:"X-Amz-Bearer" max:"5"`
	Keys     []string            `query:"TagKeys" max:"2"`
	Page     *int32              `query:"maxResults" min:"1" max:"9"`
	Text     *string             `json:"Text" required:"true" min:"1" max:"4"`
	Bytes    *string             `json:"Bytes" maxbytes:"4"`
	Role     *string             `json:"Role" enum:"AGENT|CUSTOMER"`
	Code     *string             `json:"Code" pattern:"^[a-z]+$"`
	Flag     *bool               `json:"Flag"`
	Size     *int64              `json:"Size" min:"1"`
	Ratio    *float64            `json:"Ratio"`
	Types    []string            `json:"Types" min:"1" max:"2" enum:"A|B"`
	Names    []string            `json:"Names" itemmin:"1" itemmax:"2"`
	Tags     []tagIn             `json:"Tags"`
	Start    *pointIn            `json:"StartPosition"`
	Attrs    map[string]string   `json:"Attributes" max:"2" keymin:"1" keymax:"3" keypattern:"^[a-z]*$" itemmax:"3"`
	Deep     map[string]tagIn    `json:"Deep"`
	Lists    map[string][]string `json:"Lists"`
}

// everything serves an operation with that input; what it got is sent to the channel.
func everything() (http.Handler, chan *everythingIn) {
	got := make(chan *everythingIn, 1)
	api := newAPI(restjson.Options{})
	restjson.Handle(api, "Everything", "POST", "/e/{InstanceId}", func(_ context.Context, in *everythingIn) (*empty, error) {
		got <- in
		return nil, nil
	})
	return muxOf(api), got
}

func TestConstraints(t *testing.T) {
	h, got := everything()
	const one, many = "1 validation error detected: ", "Member must "
	for body, want := range map[string]string{
		`{"Text":"a"}`: "",
		`{"Text":"ääää","Bytes":"ää","Role":"AGENT","Code":"abc","Flag":false,"Size":1,"Ratio":0.5,"Types":["A","B"],"Names":["ab"],"StartPosition":{},"Attributes":{"abc":"abc"}}`: "",
		`{"Text":"a","Unknown":{"deep":[1,{}]},"InstanceId":7,"Instance":7,"X-Amz-Bearer":7,"Token":7}`:                                                                             "",
		`{"Text":"a","Role":null,"Types":null,"StartPosition":null,"Attributes":null}`:                                                                                              "",
		`{"Text":"null","Unknown":[null],"types":[null],"Keys":[null],"":[null],"Tags":[{"Key":"a","Unknown":[null]}],"StartPosition":{"Id":null,"X":{"y":null}}}`:                  "",
		``:                                     one + "Value null at 'text' failed to satisfy constraint: Member must not be null",
		`{}`:                                   one + "Value null at 'text' failed to satisfy constraint: Member must not be null",
		`{"text":"a"}`:                         one + "Value null at 'text' failed to satisfy constraint: Member must not be null",
		`{"Text":null}`:                        one + "Value null at 'text' failed to satisfy constraint: Member must not be null",
		`{"Text":""}`:                          one + "Value '' at 'text' failed to satisfy constraint: Member must have length greater than or equal to 1",
		`{"Text":"äääää"}`:                     one + "Value 'äääää' at 'text' failed to satisfy constraint: Member must have length less than or equal to 4",
		`{"Text":"a","Bytes":"äää"}`:           one + "Value 'äää' at 'bytes' failed to satisfy constraint: Member must have length less than or equal to 4 bytes",
		`{"Text":"a","Role":"agent"}`:          one + "Value 'agent' at 'role' failed to satisfy constraint: Member must satisfy enum value set: [AGENT, CUSTOMER]",
		`{"Text":"a","Code":"A"}`:              one + "Value 'A' at 'code' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-z]+$",
		`{"Text":"a","Size":0}`:                one + "Value '0' at 'size' failed to satisfy constraint: Member must have value greater than or equal to 1",
		`{"Text":"a","Types":[]}`:              one + "Value '[]' at 'types' failed to satisfy constraint: Member must have length greater than or equal to 1",
		`{"Text":"a","Types":["A","A","B"]}`:   one + "Value '[A, A, B]' at 'types' failed to satisfy constraint: Member must have length less than or equal to 2",
		`{"Text":"a","Types":["A","C"]}`:       one + "Value '[A, C]' at 'types' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [A, B]]",
		`{"Text":"a","Names":["abc"]}`:         one + "Value '[abc]' at 'names' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 2]",
		`{"Text":"a","Tags":[{"Key":"a"},{}]}`: one + "Value null at 'tags.2.member.key' failed to satisfy constraint: Member must not be null",
		`{"Text":"a","Deep":{"x":{}}}`:         one + "Value null at 'deep.x.key' failed to satisfy constraint: Member must not be null",
		`{"Text":"a","StartPosition":{"MostRecent":101}}`:     one + "Value '101' at 'startPosition.mostRecent' failed to satisfy constraint: Member must have value less than or equal to 100",
		`{"Text":"a","Attributes":{"a":"1","b":"2","c":"3"}}`: one + "Value at 'attributes' failed to satisfy constraint: Member must have length less than or equal to 2",
		`{"Text":"a","Attributes":{"A":"1"}}`:                 one + "Value 'A' at 'attributes' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern: ^[a-z]*$]",
		`{"Text":"a","Attributes":{"a":"1234"}}`:              one + "Value '1234' at 'attributes.a' failed to satisfy constraint: Member must have length less than or equal to 3",
		`{"Text":"","Role":""}`: "2 validation errors detected: Value '' at 'text' failed to satisfy constraint: Member must have length greater than or equal to 1; " +
			"Value '' at 'role' failed to satisfy constraint: Member must satisfy enum value set: [AGENT, CUSTOMER]",
		`{"Text":5}`:                              one + "Value at 'text' failed to satisfy constraint: " + many + "be a string",
		`{"Text":"a","Flag":"true"}`:              one + "Value at 'flag' failed to satisfy constraint: " + many + "be true or false",
		`{"Text":"a","Size":1.5}`:                 one + "Value at 'size' failed to satisfy constraint: " + many + "be a whole number of at most 64 bits",
		`{"Text":"a","Size":1e300}`:               one + "Value at 'size' failed to satisfy constraint: " + many + "be a whole number of at most 64 bits",
		`{"Text":"a","Ratio":"1"}`:                one + "Value at 'ratio' failed to satisfy constraint: " + many + "be a number",
		`{"Text":"a","Types":"A"}`:                one + "Value at 'types' failed to satisfy constraint: " + many + "be a list",
		`{"Text":"a","Types":["A",1]}`:            one + "Value at 'types.2.member' failed to satisfy constraint: " + many + "be a string",
		`{"Text":"a","StartPosition":[]}`:         one + "Value at 'startPosition' failed to satisfy constraint: " + many + "be an object",
		`{"Text":"a","Attributes":[]}`:            one + "Value at 'attributes' failed to satisfy constraint: " + many + "be an object",
		`{"Text":"a","Text":"b"}`:                 one + "Value at 'text' failed to satisfy constraint: " + many + "be given once",
		`{"Text":"a\u0000"}`:                      one + "Value at 'text' failed to satisfy constraint: " + many + "not contain the character U+0000",
		`{"Text":"a","Attributes":{"\u0000":""}}`: one + "Value at 'attributes' failed to satisfy constraint: " + many + "not contain the character U+0000",
		`{"Text":"a","Tags":[{"Key":"\u0000"}]}`:  one + "Value at 'tags' failed to satisfy constraint: " + many + "not contain the character U+0000",
		`{"Text":"a","Types":["A",null]}`:         one + "Value null at 'types.2.member' failed to satisfy constraint: Member must not be null",
		`{"Text":"a","Tags":[null]}`:              one + "Value null at 'tags.1.member' failed to satisfy constraint: Member must not be null",
		`{"Text":"a","Deep":{"X":null}}`:          one + "Value null at 'deep.X' failed to satisfy constraint: Member must not be null",
		`{"Text":"a","Deep":{"x":{"Key":null}}}`:  one + "Value null at 'deep.x.key' failed to satisfy constraint: Member must not be null",
		`{"Text":"a","Lists":{"x":["",null]}}`:    one + "Value null at 'lists.x.2.member' failed to satisfy constraint: Member must not be null",
		`{"Text":"a","Attributes":{"a":"null","7":null},"Names":[null]}`: "2 validation errors detected: Value null at 'attributes.7' failed to satisfy constraint: Member must not be null; " +
			"Value null at 'names.1.member' failed to satisfy constraint: Member must not be null",
		`{"Text":"a","Names":[` + strings.Repeat("null,", 99) + `null]}`: "10 validation errors detected: Value null at 'names.1.member' failed",
		`null`:                "The request body must be a JSON object",
		`[]`:                  "The request body must be a JSON object",
		`"Text"`:              "The request body must be a JSON object",
		`{"Text":"a"`:         "The request body is not valid JSON: it ends too early",
		`{"Text":"a"}}`:       "The request body is not valid JSON: ",
		`{'Text':'a'}`:        "The request body is not valid JSON: ",
		"{\"Text\":\"\xff\"}": "The request body is not valid JSON: ",
		`{"X":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`: "The request body is not valid JSON: ",
	} {
		r := do(t, h, "POST", "/e/i", body)
		if want == "" {
			if r.StatusCode != 200 || text(t, r) != "{}" {
				t.Errorf("%s: status %d, want 200 and {}", body, r.StatusCode)
			}
			<-got
			continue
		}
		if m := message(t, r); r.StatusCode != 400 || !strings.HasPrefix(m, want) {
			t.Errorf("%.80s: status %d and\n%s, want 400 and\n%s", body, r.StatusCode, m, want)
		}
	}
}

// message is the message of an error response.
func message(t *testing.T, r *http.Response) string {
	t.Helper()
	var e struct{ Message, message string }
	if err := json.Unmarshal([]byte(text(t, r)), &e); err != nil {
		t.Fatalf("not a JSON error: %v", err)
	}
	return e.Message
}

func TestEscapedNULIsFine(t *testing.T) {
	h, got := everything()
	if r := do(t, h, "POST", "/e/i", `{"Text":"a","Code":null,"Names":["a"],"Unknown":"\u0000","Bytes":"\\u0"}`); r.StatusCode != 200 {
		t.Errorf("status %d: %s", r.StatusCode, text(t, r))
	} else if in := <-got; *in.Bytes != `\u0` {
		t.Errorf("Bytes = %q", *in.Bytes)
	}
}

func TestLongValuesAreCut(t *testing.T) {
	h, _ := everything()
	m := message(t, do(t, h, "POST", "/e/i", `{"Text":"`+strings.Repeat("ä", 3000)+`"}`))
	if !strings.Contains(m, "'"+strings.Repeat("ä", 50)+"...' at 'text'") {
		t.Error(m)
	}
}

func TestBindings(t *testing.T) {
	h, got := everything()
	if r := do(t, h, "POST", "/e/a%2Fb%20%C3%A9?TagKeys=x&TagKeys=y&maxResults=9", `{"Text":"a","Instance":"body","Token":"body"}`, "X-Amz-Bearer", "tok"); r.StatusCode != 200 {
		t.Fatal(r.StatusCode, text(t, r))
	}
	in := <-got
	if *in.Instance != "a/b é" || *in.Token != "tok" || !slices.Equal(in.Keys, []string{"x", "y"}) || *in.Page != 9 {
		t.Errorf("got %q %q %q %d", *in.Instance, *in.Token, in.Keys, *in.Page)
	}
	if do(t, h, "POST", "/e/i", `{"Text":"a","Token":"body"}`); (<-got).Token != nil {
		t.Error("the body filled in a member that comes from a header")
	}
	for target, want := range map[string]string{
		"/e/12345678901":                  "Value '12345678901' at 'instance'",
		"/e/a%00":                         "Value at 'instance' failed to satisfy constraint: Member must be valid UTF-8 without U+0000",
		"/e/a%FF":                         "Value at 'instance' failed to satisfy constraint: Member must be valid UTF-8 without U+0000",
		"/e/i?maxResults=x":               "Value at 'page' failed to satisfy constraint: Member must be a whole number",
		"/e/i?maxResults=10":              "Value '10' at 'page'",
		"/e/i?TagKeys=&TagKeys=&TagKeys=": "Value '[, , ]' at 'keys'",
	} {
		if m := message(t, do(t, h, "POST", target, `{"Text":"a"}`)); !strings.Contains(m, want) {
			t.Errorf("%s: %s, want %s", target, m, want)
		}
	}
	secret := message(t, do(t, h, "POST", "/e/i", `{"Text":"a"}`, "X-Amz-Bearer", "very secret"))
	if strings.Contains(secret, "secret") || !strings.Contains(secret, "Value at 'token'") {
		t.Errorf("a token is shown, or not named: %s", secret)
	}
}

func TestHandlePanicsOnBadInputs(t *testing.T) {
	type ok = empty
	add := map[string]func(*restjson.API){
		"no tag":     func(a *restjson.API) { handle[struct{ X *string }](a, "/x") },
		"unexported": func(a *restjson.API) { handle[struct{ x *string }](a, "/x") },
		"no pointer": func(a *restjson.API) {
			handle[struct {
				X string `json:"X"`
			}](a, "/x")
		},
		"bad limit": func(a *restjson.API) {
			handle[struct {
				X *string `json:"X" min:"one"`
			}](a, "/x")
		},
		"bad pattern": func(a *restjson.API) {
			handle[struct {
				X *string `json:"X" pattern:"(?!aws:)"`
			}](a, "/x")
		},
		"no label": func(a *restjson.API) {
			handle[struct {
				X *string `path:"X"`
			}](a, "/x")
		},
		"no member": func(a *restjson.API) { handle[ok](a, "/x/{X}") },
		"bad binding": func(a *restjson.API) {
			handle[struct {
				X []string `header:"X"`
			}](a, "/x")
		},
		"chan": func(a *restjson.API) {
			handle[struct {
				X []chan int `json:"X"`
			}](a, "/x")
		},
	}
	for name, f := range add {
		func() {
			defer func() {
				if v := recover(); v == nil || !strings.HasPrefix(v.(string), "restjson: Op: ") {
					t.Errorf("%s: panic %v", name, v)
				}
			}()
			f(newAPI(restjson.Options{}))
		}()
	}
}

func handle[In any](a *restjson.API, path string) {
	restjson.Handle(a, "Op", "POST", path, func(context.Context, *In) (*empty, error) { return nil, nil })
}

func FuzzBody(f *testing.F) {
	h, got := everything()
	for _, s := range []string{`{"Text":"a"}`, `{"Text":"a","Attributes":{"a":"b"},"Types":["A"]}`, `{"Text":"\u0000"}`, `{"Text":"a","Lists":{"a":[null]}}`, `[`, ``} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := do(t, h, "POST", "/e/i", body)
		switch r.StatusCode {
		case 200:
			in := <-got
			if in.Text == nil || *in.Text == "" || strings.Contains(*in.Text, "\x00") {
				t.Errorf("%q was let through", body)
			}
		case 400:
			if message(t, r) == "" {
				t.Errorf("%q: no message", body)
			}
		default:
			t.Errorf("%q: status %d", body, r.StatusCode)
		}
	})
}
