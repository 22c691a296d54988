package sigv4_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/connect"
	"github.com/aws/aws-sdk-go-v2/service/connect/types"
	"github.com/jonboulle/clockwork"

	"github.com/parley-chat/parley/internal/sigv4"
)

const (
	keyID  = "AKIDEXAMPLE"
	secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	arn    = "arn:aws:connect:us-east-1:123456789012:instance/11111111-1111-4111-8111-111111111111"
)

func verifier(now time.Time) *sigv4.Verifier {
	return &sigv4.Verifier{
		Keys:    map[string]string{"other": "other", keyID: secret},
		Service: "connect",
		Clock:   clockwork.NewFakeClockAt(now),
	}
}

// exchange is what a server got from the official SDK.
type exchange struct {
	r    *http.Request
	body []byte
	err  error
}

// capture runs a call of the official SDK against a real server and gives the
// request as it arrived, with the verdict on it.
func capture(t *testing.T, session string, call func(context.Context, *connect.Client) error) exchange {
	t.Helper()
	var got exchange
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = exchange{r: r.Clone(context.Background()), body: body, err: verifier(time.Now()).Verify(r, body)}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "{}")
	}))
	defer srv.Close()
	client := connect.New(connect.Options{
		Region:       "eu-central-1",
		BaseEndpoint: aws.String(srv.URL),
		Credentials:  credentials.NewStaticCredentialsProvider(keyID, secret, session),
	})
	if err := call(context.Background(), client); err != nil {
		t.Fatal(err)
	}
	return got
}

func start(ctx context.Context, c *connect.Client) error {
	_, err := c.StartChatContact(ctx, &connect.StartChatContactInput{
		InstanceId: aws.String(arn), ContactFlowId: aws.String("f1"),
		ParticipantDetails: &types.ParticipantDetails{DisplayName: aws.String("Zoë <&> 你好 🙂")},
		Attributes:         map[string]string{"a": "b"},
	})
	return err
}

func TestRequestsOfTheOfficialSDK(t *testing.T) {
	calls := map[string]func(context.Context, *connect.Client) error{
		"PUT with a Unicode body": start,
		"POST": func(ctx context.Context, c *connect.Client) error {
			_, err := c.StopContact(ctx, &connect.StopContactInput{InstanceId: aws.String("i"), ContactId: aws.String("c")})
			return err
		},
		"GET with slashes and colons in a path label": func(ctx context.Context, c *connect.Client) error {
			_, err := c.DescribeContact(ctx, &connect.DescribeContactInput{InstanceId: aws.String(arn), ContactId: aws.String("c1")})
			return err
		},
		"GET with all that can be in a path label": func(ctx context.Context, c *connect.Client) error {
			_, err := c.GetContactAttributes(ctx, &connect.GetContactAttributesInput{
				InstanceId: aws.String("a/b c+d=e:é%2F?#~_.-!*'()"), InitialContactId: aws.String("ü"),
			})
			return err
		},
		"DELETE with a query": func(ctx context.Context, c *connect.Client) error {
			_, err := c.UntagContact(ctx, &connect.UntagContactInput{
				InstanceId: aws.String("i"), ContactId: aws.String("c"), TagKeys: []string{"b c", "a+/=&é", "a-b"},
			})
			return err
		},
	}
	for name, call := range calls {
		for _, session := range []string{"", "FwoGZXIvYXdzEBY+a/session=="} {
			t.Run(name+", session token "+session, func(t *testing.T) {
				if got := capture(t, session, call); got.err != nil {
					t.Errorf("%s %s: %v", got.r.Method, got.r.URL, got.err)
				}
			})
		}
	}
}

// signedAt is when the requests of request are signed.
var signedAt = time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC)

// request gives a signed request as a server receives it. prepare changes it before
// it is signed.
func request(t testing.TB, body, payloadHash string, prepare func(*http.Request)) *http.Request {
	t.Helper()
	r := httptest.NewRequest("POST", "/contacts/arn%3Aaws%2Fi/c1?b=2&a=1", strings.NewReader(body))
	r.Host = "chat.example.com:8080"
	r.Header.Set("Content-Type", "application/json")
	if prepare != nil {
		prepare(r)
	}
	creds := aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}
	if err := v4.NewSigner().SignHTTP(context.Background(), creds, r, payloadHash, "connect", "us-east-1", signedAt); err != nil {
		t.Fatal(err)
	}
	return r
}

const (
	hello     = `{"hello":"world"}`
	helloHash = "93a23971a914e5eacbf0a8d25154cda309c3c1c72fbb9914d47c60f3cb681588"
)

func TestVariants(t *testing.T) {
	tests := map[string]struct {
		hash, body string
		prepare    func(*http.Request)
		after      func(*http.Request)
	}{
		"plain":             {hash: helloHash, body: hello},
		"hash in a header":  {hash: helloHash, body: hello, prepare: func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", helloHash) }},
		"unsigned payload":  {hash: "UNSIGNED-PAYLOAD", body: "whatever", prepare: func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD") }},
		"no content-length": {hash: helloHash, body: hello, prepare: func(r *http.Request) { r.ContentLength = -1 }},
		"user-agent is signed": {hash: helloHash, body: hello, prepare: func(r *http.Request) {
			r.Header["user-agent"] = []string{"aws-sdk-dotnet  3"} // in lower case so that the signer takes it
		}, after: func(r *http.Request) {
			r.Header.Set("User-Agent", "aws-sdk-dotnet  3")
			delete(r.Header, "user-agent")
		}},
		"several values and spaces": {hash: helloHash, body: hello, prepare: func(r *http.Request) {
			r.Header["X-Custom"] = []string{"a   b", " c "}
		}},
		"unsigned headers come on top": {hash: helloHash, body: hello, after: func(r *http.Request) {
			r.Header.Set("X-Forwarded-For", "192.0.2.1")
			r.Header.Set("User-Agent", "curl")
		}},
		"no spaces between parameters": {hash: helloHash, body: hello, after: func(r *http.Request) {
			r.Header.Set("Authorization", strings.ReplaceAll(r.Header.Get("Authorization"), ", ", ","))
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := request(t, test.body, test.hash, test.prepare)
			if test.after != nil {
				test.after(r)
			}
			before := r.Header.Clone()
			if err := verifier(signedAt).Verify(r, []byte(test.body)); err != nil {
				t.Error(err)
			}
			for k := range r.Header {
				if strings.Join(r.Header[k], "|") != strings.Join(before[k], "|") {
					t.Errorf("Verify changed header %s", k)
				}
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	authorization := func(change func(string) string) func(*http.Request, *[]byte) {
		return func(r *http.Request, _ *[]byte) { r.Header.Set("Authorization", change(r.Header.Get("Authorization"))) }
	}
	replace := func(old, new string) func(*http.Request, *[]byte) {
		return authorization(func(a string) string { return strings.Replace(a, old, new, 1) })
	}
	const mismatch = "InvalidSignatureException 403 The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	const incomplete = "IncompleteSignatureException 400 "
	tests := map[string]struct {
		change func(*http.Request, *[]byte)
		want   string
	}{
		"no Authorization":      {func(r *http.Request, _ *[]byte) { r.Header.Del("Authorization") }, "MissingAuthenticationTokenException 403 Missing Authentication Token"},
		"empty Authorization":   {authorization(func(string) string { return " " }), "MissingAuthenticationTokenException 403 Missing Authentication Token"},
		"Authorization twice":   {func(r *http.Request, _ *[]byte) { r.Header.Add("Authorization", "x") }, incomplete + "There is more than one Authorization header."},
		"another scheme":        {authorization(func(string) string { return "Bearer abc" }), incomplete + "Unsupported algorithm in Authorization header; it must be 'AWS4-HMAC-SHA256'."},
		"another algorithm":     {replace("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA2567"), incomplete + "Unsupported algorithm in Authorization header; it must be 'AWS4-HMAC-SHA256'."},
		"nothing after it":      {authorization(func(string) string { return "AWS4-HMAC-SHA256" }), incomplete + "Authorization header has a part that is not a key=value pair (missing equal-sign)."},
		"not key=value":         {replace("Signature=", "Signature"), incomplete + "Authorization header has a part that is not a key=value pair (missing equal-sign)."},
		"no Signature":          {replace("Signature=", "Sig="), incomplete + "Authorization header requires 'Signature' parameter."},
		"no Credential":         {replace("Credential=", "Cred="), incomplete + "Authorization header requires 'Credential' parameter."},
		"no SignedHeaders":      {replace("SignedHeaders=", "Headers="), incomplete + "Authorization header requires 'SignedHeaders' parameter."},
		"a parameter twice":     {authorization(func(a string) string { return a + ", Signature=0" }), incomplete + "Authorization header has parameter 'Signature' more than once."},
		"no date":               {func(r *http.Request, _ *[]byte) { r.Header.Del("X-Amz-Date") }, incomplete + "Authorization header requires existence of one 'X-Amz-Date' header."},
		"two dates":             {func(r *http.Request, _ *[]byte) { r.Header.Add("X-Amz-Date", "20260402T100000Z") }, incomplete + "Authorization header requires existence of one 'X-Amz-Date' header."},
		"date of another form":  {func(r *http.Request, _ *[]byte) { r.Header.Set("X-Amz-Date", "2026-04-02\xff") }, incomplete + "Date must be in ISO-8601 'basic format'. Got '2026-04-02?'. See http://en.wikipedia.org/wiki/ISO_8601"},
		"host not signed":       {replace(";host;", ";"), "InvalidSignatureException 403 'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
		"date not signed":       {replace(";x-amz-date", ""), incomplete + "'X-Amz-Date' must be a 'SignedHeader' in the AWS Authorization."},
		"four elements":         {replace("/us-east-1/", "/"), incomplete + "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKIDEXAMPLE/20260402/connect/aws4_request'"},
		"another terminator":    {replace("aws4_request", "aws4"), "InvalidSignatureException 403 Credential should be scoped with a valid terminator: 'aws4_request', not 'aws4'."},
		"another service":       {replace("/connect/", "/execute-api/"), "InvalidSignatureException 403 Credential should be scoped to correct service: 'connect'."},
		"another day":           {replace("/20260402/", "/20260401/"), "InvalidSignatureException 403 Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20260401' != '20260402', from '20260402T100000Z'."},
		"unknown key":           {replace(keyID, "AKIDNOBODY"), "UnrecognizedClientException 403 The security token included in the request is invalid."},
		"no key id":             {replace(keyID, ""), "UnrecognizedClientException 403 The security token included in the request is invalid."},
		"somebody else's key":   {replace(keyID, "other"), mismatch},
		"another region":        {replace("us-east-1", "us-west-2"), mismatch},
		"another signature":     {authorization(func(a string) string { return a[:len(a)-1] + "g" }), mismatch},
		"a signature too short": {authorization(func(a string) string { return a[:len(a)-1] }), mismatch},
		"another date":          {func(r *http.Request, _ *[]byte) { r.Header.Set("X-Amz-Date", "20260402T100001Z") }, mismatch},
		"altered body":          {func(_ *http.Request, b *[]byte) { *b = []byte(`{"hello":"w0rld"}`) }, mismatch},
		"emptied body":          {func(_ *http.Request, b *[]byte) { *b = nil }, mismatch},
		"altered method":        {func(r *http.Request, _ *[]byte) { r.Method = "PUT" }, mismatch},
		"altered path": {func(r *http.Request, _ *[]byte) {
			r.URL.Path, r.URL.RawPath = "/contacts/arn:aws/i/c2", "/contacts/arn%3Aaws%2Fi/c2"
		}, mismatch},
		"altered escaping":         {func(r *http.Request, _ *[]byte) { r.URL.RawPath = "/contacts/arn%3Aaws/i/c1" }, mismatch},
		"altered query":            {func(r *http.Request, _ *[]byte) { r.URL.RawQuery = "a=1&b=3" }, mismatch},
		"more in the query":        {func(r *http.Request, _ *[]byte) { r.URL.RawQuery += "&c" }, mismatch},
		"query that can't be read": {func(r *http.Request, _ *[]byte) { r.URL.RawQuery += "&c;d" }, mismatch},
		"altered host":             {func(r *http.Request, _ *[]byte) { r.Host = "chat.example.com" }, mismatch},
		"altered header":           {func(r *http.Request, _ *[]byte) { r.Header.Set("Content-Type", "text/plain") }, mismatch},
		"signed header removed":    {func(r *http.Request, _ *[]byte) { r.Header.Del("Content-Type") }, mismatch},
		"signed header repeated":   {func(r *http.Request, _ *[]byte) { r.Header.Add("Content-Type", "text/plain") }, mismatch},
		"one header signed less":   {replace("content-type;", ""), mismatch},
		"another payload hash":     {func(r *http.Request, _ *[]byte) { r.Header.Set("X-Amz-Content-Sha256", strings.Repeat("0", 64)) }, mismatch},
		"payload made unsigned":    {func(r *http.Request, _ *[]byte) { r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD") }, mismatch},
		"payload hash twice": {func(r *http.Request, _ *[]byte) {
			r.Header["X-Amz-Content-Sha256"] = []string{helloHash, helloHash}
		}, mismatch},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, body := request(t, hello, helloHash, nil), []byte(hello)
			test.change(r, &body)
			if got := verdict(verifier(signedAt).Verify(r, body)); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// verdict writes an error down, having checked what all of them have in common.
func verdict(err error) string {
	var e *sigv4.Error
	switch {
	case err == nil:
		return "fine"
	case !errors.As(err, &e):
		return "not an *Error: " + err.Error()
	case strings.Contains(e.Message+e.Detail, secret):
		return "the secret is in the error"
	}
	return e.Code + " " + map[int]string{400: "400", 403: "403"}[e.Status] + " " + e.Message
}

func TestPresignedIsNotSupported(t *testing.T) {
	r := httptest.NewRequest("GET", "/x?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0", nil)
	var e *sigv4.Error
	if err := verifier(signedAt).Verify(r, nil); !errors.As(err, &e) || !strings.Contains(e.Detail, "presigned") {
		t.Errorf("got %v, detail %q", err, e.Detail)
	}
}

func TestClockSkew(t *testing.T) {
	tests := []struct {
		ahead time.Duration // our clock before the client's
		want  string
	}{
		{0, "fine"},
		{5 * time.Minute, "fine"},
		{5*time.Minute + time.Second, "InvalidSignatureException 403 Signature expired: 20260402T100000Z is now earlier than 20260402T100001Z (20260402T100501Z - 5 min.)"},
		{-5 * time.Minute, "fine"},
		{-5*time.Minute - time.Second, "InvalidSignatureException 403 Signature not yet current: 20260402T100000Z is still later than 20260402T095959Z (20260402T095459Z + 5 min.)"},
		{24 * time.Hour, "InvalidSignatureException 403 Signature expired: 20260402T100000Z is now earlier than 20260403T095500Z (20260403T100000Z - 5 min.)"},
	}
	clock := clockwork.NewFakeClockAt(signedAt)
	v := verifier(signedAt)
	v.Clock = clock
	for _, test := range tests {
		clock.Advance(signedAt.Add(test.ahead).Sub(clock.Now()))
		r := request(t, hello, helloHash, nil)
		if got := verdict(v.Verify(r, []byte(hello))); got != test.want {
			t.Errorf("our clock %v ahead: got  %s\nwant %s", test.ahead, got, test.want)
		}
	}
}

func TestVerifierIsSafeForConcurrentUse(t *testing.T) {
	v := verifier(signedAt)
	done := make(chan error)
	for range 8 {
		r := request(t, hello, helloHash, nil)
		go func() { done <- v.Verify(r, []byte(hello)) }()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func FuzzAuthorization(f *testing.F) {
	f.Add(request(f, hello, helloHash, nil).Header.Get("Authorization"), "20260402T100000Z")
	f.Add("AWS4-HMAC-SHA256 Credential=////, SignedHeaders=;;, Signature==", "")
	f.Fuzz(func(t *testing.T, authorization, date string) {
		r := httptest.NewRequest("POST", "/x", bytes.NewReader(nil))
		r.Header["Authorization"] = []string{authorization}
		r.Header["X-Amz-Date"] = []string{date}
		if err := verifier(signedAt).Verify(r, nil); err == nil {
			t.Error("a request nobody signed was taken")
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	v, r := verifier(signedAt), request(b, hello, helloHash, nil)
	b.ReportAllocs()
	for b.Loop() {
		if err := v.Verify(r, []byte(hello)); err != nil {
			b.Fatal(err)
		}
	}
}
