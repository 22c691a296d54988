package restjson

import (
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Register adds the operations to mux, and for each of their paths the answer 405 to
// other methods.
func (a *API) Register(mux *http.ServeMux) {
	methods := make(map[string][]string)
	for _, op := range a.ops {
		mux.Handle(op.Method+" "+op.Path, op.serve)
		shape := labels.ReplaceAllString(op.Path, "{}")
		methods[shape] = append(methods[shape], op.Method)
	}
	for _, op := range a.ops {
		shape := labels.ReplaceAllString(op.Path, "{}")
		if allowed := methods[shape]; allowed != nil {
			mux.Handle(op.Path, notAllowed(allowed))
			delete(methods, shape)
		}
	}
}

var labels = regexp.MustCompile(`\{\w+\}`)

func notAllowed(methods []string) http.Handler {
	methods = append(slices.Clone(methods), http.MethodOptions)
	slices.Sort(methods)
	allow := strings.Join(methods, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		NotAllowed(w, r, allow, "The method "+cut(r.Method)+" is not allowed for this path; use "+allow)
	})
}

// NotAllowed answers 405 for a method that the path doesn't take. Allow is the header.
func NotAllowed(w http.ResponseWriter, r *http.Request, allow, message string) {
	w.Header().Set("Allow", allow)
	WriteError(w, r, &Error{Code: "UnknownOperationException", Status: http.StatusMethodNotAllowed, Message: message})
}

// NotFound answers 404 for a path that nobody serves; register it for "/".
func NotFound(w http.ResponseWriter, r *http.Request) {
	WriteError(w, r, &Error{
		Code: "UnknownOperationException", Status: http.StatusNotFound,
		Message: "No operation has the path " + cut(r.URL.EscapedPath()),
	})
}

// odd reports whether [http.ServeMux] would redirect because of the path itself; no
// SDK follows a redirect, so such a path is not found.
func odd(r *http.Request) bool {
	p := r.URL.EscapedPath()
	if p == "" || p[0] != '/' {
		return true
	}
	if !strings.Contains(p, "//") && !strings.Contains(p, "/.") {
		return false
	}
	clean := path.Clean(p)
	if strings.HasSuffix(p, "/") && clean != "/" {
		clean += "/"
	}
	return clean != p
}
