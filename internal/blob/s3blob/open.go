package s3blob

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"
	"github.com/jonboulle/clockwork"
)

// Scheme begins the URLs that Open takes.
const Scheme = "s3://"

// location is what the URL of a store says.
type location struct {
	bucket, prefix string // the prefix is empty or ends with a slash
	// endpoint is the store as the node reaches it, public as clients do; empty for AWS.
	endpoint, public string
	region           string
	pathStyle, acl   bool
}

// The parameters of the URL.
const (
	paramEndpoint  = "endpoint"
	paramPublic    = "public-endpoint"
	paramRegion    = "region"
	paramPathStyle = "path-style"
	paramACL       = "acl"
)

var params = []string{paramEndpoint, paramPublic, paramRegion, paramPathStyle, paramACL}

// plainPath needs no escaping anywhere.
var plainPath = regexp.MustCompile(`^([\w.-]+/)*$`)

// Parse reports what is wrong with the URL of a store, without asking anybody:
//
//	s3://BUCKET/PREFIX?endpoint=https://s3.example.com&region=eu-central-1&path-style=true&acl=false
//
// The prefix and all parameters may be left out. public-endpoint is the endpoint as
// clients reach it, if that is another; path-style puts the bucket into the path and not
// into the host's name; acl=false sends no x-amz-acl, which some stores refuse.
func Parse(raw string) error {
	_, err := parse(raw)
	return err
}

func parse(raw string) (location, error) {
	fail := func(format string, args ...any) (location, error) {
		return location{}, fmt.Errorf("%s is no place for attachments: %s; it must be like s3://BUCKET/PREFIX?endpoint=URL&region=NAME&path-style=true",
			raw, fmt.Sprintf(format, args...))
	}
	u, err := url.Parse(raw)
	if err == nil && u.User != nil {
		raw = "it" // it may hold a secret
		return fail("credentials are not in it, but where AWS SDKs look for them")
	}
	if err != nil || u.Scheme+"://" != Scheme || u.Host == "" || u.Fragment != "" || u.Port() != "" {
		return fail("it is not of the form s3://BUCKET")
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return fail("its parameters can't be read: %v", err)
	}
	for _, name := range []string{paramEndpoint, paramPublic} {
		if e, err := url.Parse(q.Get(name)); err != nil || e.User != nil {
			raw = "it" // so may this
			return fail("%s is not a URL like https://s3.example.com, without a user and a password", name)
		}
	}
	l := location{bucket: u.Host, acl: true}
	if l.prefix = strings.Trim(u.Path, "/"); l.prefix != "" {
		l.prefix += "/"
	}
	if !plainPath.MatchString(l.prefix) {
		return fail("the prefix %s has other characters than letters, digits, dots, hyphens, underscores and single slashes", l.prefix)
	}
	for name, values := range q {
		if !slices.Contains(params, name) || len(values) != 1 {
			return fail("it has the parameter %s %d times; there can be %s, once each", name, len(values), strings.Join(params, ", "))
		}
	}
	for name, to := range map[string]*string{paramEndpoint: &l.endpoint, paramPublic: &l.public} {
		*to = strings.TrimSuffix(q.Get(name), "/")
		if e, err := url.Parse(*to); *to != "" && (err != nil || e.Host == "" || e.Scheme != "http" && e.Scheme != "https" || e.RawQuery != "") {
			return fail("%s=%s is not a URL like https://s3.example.com", name, *to)
		}
	}
	if l.public == "" {
		l.public = l.endpoint
	}
	for name, to := range map[string]*bool{paramPathStyle: &l.pathStyle, paramACL: &l.acl} {
		if v := q.Get(name); v != "" {
			if *to, err = strconv.ParseBool(v); err != nil {
				return fail("%s=%s is neither true nor false", name, v)
			}
		}
	}
	l.region = q.Get(paramRegion)
	return l, nil
}

// openTime bounds the search for credentials, which may ask a server, and the look at the
// bucket.
const openTime = 10 * time.Second

// Open makes a store of a URL that [Parse] takes. Credentials, and the region if the URL
// has none, come from where the AWS SDKs look for them (AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY, AWS_REGION, …). They must allow s3:GetObject, PutObject,
// DeleteObject, AbortMultipartUpload and ListBucket; without the last, S3 won't say that
// an object is missing.
// A node can start while the bucket can't be reached, which the log then says, but not if
// it is refused. The error is a sentence for who started the server.
func Open(ctx context.Context, raw string, clock clockwork.Clock, log *slog.Logger) (*Store, error) {
	l, err := parse(raw)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	conf, err := config.LoadDefaultConfig(ctx, func(o *config.LoadOptions) error {
		if l.region != "" {
			o.Region = l.region
		}
		o.Logger = logging.LoggerFunc(func(_ logging.Classification, format string, args ...any) {
			log.Debug(fmt.Sprintf(format, args...))
		})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("the AWS configuration for %s can't be read: %w", raw, err)
	}
	if conf.Region == "" {
		return nil, fmt.Errorf("the region of %s is not known: add region=NAME to it, or set AWS_REGION", raw)
	}
	if _, err := conf.Credentials.Retrieve(ctx); err != nil {
		return nil, fmt.Errorf("there are no credentials for %s: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: %w", raw, err)
	}
	s := &Store{
		location: l, clock: clock,
		client:  s3.NewFromConfig(conf, l.options(l.endpoint)),
		presign: s3.NewPresignClient(s3.NewFromConfig(conf, l.options(l.public))),
	}
	_, err = s.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &l.bucket})
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) && answer.HTTPStatusCode() != 0 && answer.HTTPStatusCode() < http.StatusInternalServerError {
		return nil, s.explain("be used", err)
	}
	if err != nil {
		log.Warn("the store of attachments can't be reached; files can't be sent or got until it is", "err", s.explain("be used", err))
	}
	return s, nil
}

// options reach the store at an endpoint, with nothing that other stores than AWS's
// may not know, and nothing in presigned URLs that clients would have to send.
func (l location) options(endpoint string) func(*s3.Options) {
	return func(o *s3.Options) {
		o.UsePathStyle = l.pathStyle
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
	}
}
