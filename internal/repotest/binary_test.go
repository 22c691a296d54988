package repotest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// maxTracked is how many bytes a tracked file may have.
const maxTracked = 300_000

// What is built is not committed; a program would be by far the largest file.
func TestNothingBuiltIsTracked(t *testing.T) {
	root := filepath.Join("..", "..")
	list, err := exec.Command("git", "-C", root, "ls-files", "-z").Output()
	if err != nil {
		t.Skip("not a checkout of git:", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		info, err := os.Stat(filepath.Join(root, name))
		switch {
		case os.IsNotExist(err): // removed, and not yet committed
		case err != nil:
			t.Error(err)
		case info.Size() > maxTracked:
			t.Errorf("%s has %d bytes; %d are the most", name, info.Size(), maxTracked)
		}
	}
}
