// Package s3test runs a real S3 server for tests: versitygw, over a directory. It is
// built from the module below testdata, which the Go module proxy has all of.
package s3test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/uuid"
)

// The credentials and region of the server.
const (
	AccessKey = "parley-test"
	SecretKey = "parley-test-secret"
	Region    = "us-east-1"
)

// Server is a running S3 server.
type Server struct {
	// Endpoint is its URL; buckets are in the path.
	Endpoint string
	client   *s3.Client
}

// patience is how long a server may take to start.
const patience = 3 * time.Minute

// Start builds a server, starts it with nothing in it, and stops it when the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	program, err := build(t.Context())
	if err != nil {
		t.Fatalf("building the S3 server: %v", err)
	}
	for range 5 { // somebody else may have taken the port
		endpoint, failure := start(t, program)
		if failure == nil {
			return &Server{Endpoint: endpoint, client: s3.New(s3.Options{
				BaseEndpoint: &endpoint, Region: Region, UsePathStyle: true,
				Credentials: credentials.NewStaticCredentialsProvider(AccessKey, SecretKey, ""),
			})}
		}
		err = failure
	}
	t.Fatalf("starting the S3 server: %v", err)
	return nil
}

// build gives the path of the server's program, which go keeps in its cache.
func build(ctx context.Context) (string, error) {
	mod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	root := filepath.Dir(strings.TrimSpace(string(mod)))
	cmd := exec.CommandContext(ctx, "go", "tool", "-n", "versitygw")
	cmd.Dir = filepath.Join(root, "internal", "blob", "s3blob", "s3test", "testdata", "versitygw")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false", "GOWORK=off")
	var problem strings.Builder
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go tool -n versitygw: %w\n%s", err, problem.String())
	}
	return strings.TrimSpace(string(out)), nil
}

// start runs the program on a free port until the test ends.
func start(t testing.TB, program string) (endpoint string, err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	address := ln.Addr().String()
	if err := ln.Close(); err != nil {
		return "", err
	}
	health := "/" + uuid.NewString() // nobody else answers there
	cmd := exec.Command(program, "--access", AccessKey, "--secret", SecretKey, "--region", Region, "--port", address,
		"--health", health, "--keep-alive", "--quiet", "posix", t.TempDir()) // on a file system with extended attributes
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		return "", err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	stop := func() {
		_ = cmd.Process.Kill()
		<-ended
	}
	endpoint = "http://" + address
	if err := answers(t.Context(), endpoint+health, ended); err != nil {
		stop()
		return "", fmt.Errorf("%w\n%s", err, log.String())
	}
	t.Cleanup(stop)
	return endpoint, nil
}

// answers waits until a server answers, or its process has ended.
func answers(ctx context.Context, url string, ended chan error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-ended:
			ended <- err
			return errors.Join(errors.New("it has ended"), err)
		case <-ctx.Done():
			return errors.New("it doesn't answer")
		case <-tick.C:
		}
	}
}

// Bucket makes a bucket that pages of the origins may use.
func (s *Server) Bucket(t testing.TB, origins ...string) string {
	t.Helper()
	name := "parley-" + uuid.NewString()
	if _, err := s.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatalf("CreateBucket: %v", err)
	}
	if len(origins) == 0 {
		return name
	}
	_, err := s.client.PutBucketCors(t.Context(), &s3.PutBucketCorsInput{
		Bucket: &name,
		CORSConfiguration: &types.CORSConfiguration{CORSRules: []types.CORSRule{{
			AllowedOrigins: origins, AllowedMethods: []string{http.MethodPut, http.MethodGet},
			AllowedHeaders: []string{"*"}, MaxAgeSeconds: aws.Int32(7200),
		}}},
	})
	if err != nil {
		t.Fatalf("PutBucketCors: %v", err)
	}
	return name
}

// Remove removes a bucket, which must be empty.
func (s *Server) Remove(t testing.TB, bucket string) {
	t.Helper()
	if _, err := s.client.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: &bucket}); err != nil {
		t.Fatalf("DeleteBucket: %v", err)
	}
}

// URL is what names a place in the bucket to Parley.
func (s *Server) URL(bucket, prefix string) string {
	q := url.Values{"endpoint": {s.Endpoint}, "region": {Region}, "path-style": {"true"}}
	return "s3://" + bucket + "/" + prefix + "?" + q.Encode()
}

// Objects are the keys of all that is in the bucket.
func (s *Server) Objects(t testing.TB, bucket string) (keys []string) {
	t.Helper()
	out, err := s.client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket})
	if err != nil {
		t.Fatalf("ListObjectsV2: %v", err)
	}
	for _, o := range out.Contents {
		keys = append(keys, aws.ToString(o.Key))
	}
	return keys
}

// Setenv puts the server's credentials where the AWS SDKs look for them.
func Setenv(t testing.TB) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": AccessKey, "AWS_SECRET_ACCESS_KEY": SecretKey, "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
}
