package participant

import (
	"fmt"
	"maps"
	"mime"
	"path"
	"slices"
	"strings"
	"unicode"
)

// MediaTypes are the kinds of files that may be attached: by the extension in lower case,
// the media types that go with it. The first is the file's; the others are what browsers
// and systems also call it.
type MediaTypes map[string][]string

// DefaultMediaTypes are those of the real service (semantics.md 6).
func DefaultMediaTypes() MediaTypes {
	const office = "application/vnd.openxmlformats-officedocument."
	jpeg := []string{"image/jpeg", "image/jpg", "image/pjpeg"}
	return MediaTypes{
		".csv":  {"text/csv", "application/csv", "application/vnd.ms-excel"},
		".doc":  {"application/msword"},
		".docx": {office + "wordprocessingml.document"},
		".heic": {"image/heic", "image/heif"},
		".jfif": jpeg, ".jpeg": jpeg, ".jpg": jpeg,
		".mov":  {"video/quicktime"},
		".mp4":  {"video/mp4"},
		".pdf":  {"application/pdf"},
		".png":  {"image/png"},
		".ppt":  {"application/vnd.ms-powerpoint"},
		".pptx": {office + "presentationml.presentation"},
		".rtf":  {"text/rtf", "application/rtf", "application/x-rtf", "text/richtext"},
		".txt":  {"text/plain"},
		".wav":  {"audio/wav", "audio/x-wav", "audio/vnd.wave", "audio/wave"},
		".xls":  {"application/vnd.ms-excel"},
		".xlsx": {office + "spreadsheetml.sheet"},
	}
}

// check gives the media type of a file, or says in a sentence for the person who sends it
// why it can't be sent. Parameters of the type are dropped.
func (m MediaTypes) check(name, contentType string) (mediaType, problem string) {
	ext := strings.ToLower(path.Ext(name))
	types := m[ext]
	if types == nil {
		return "", fmt.Sprintf("Files of the type %q can't be attached; these can: %s", ext, strings.Join(slices.Sorted(maps.Keys(m)), " "))
	}
	given, _, err := mime.ParseMediaType(contentType)
	if err != nil || !slices.Contains(types, given) {
		return "", fmt.Sprintf("The ContentType %q is not that of a file named %s; it must be %s", contentType, ext, strings.Join(types, " or "))
	}
	return given, ""
}

// badName says what is wrong with the name of a file. Whoever gets it may save the file
// by it.
func badName(name string) string {
	for _, r := range name {
		switch {
		case r == '/' || r == '\\':
			return "AttachmentName must be the name of a file, without directories"
		case unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp):
			return "AttachmentName must not contain control characters"
		}
	}
	return ""
}
