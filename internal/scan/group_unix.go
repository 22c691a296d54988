//go:build unix

package scan

import (
	"os/exec"
	"syscall"
)

// ownGroup makes the command the head of a process group, and the end of its context the
// end of them all.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return killGroup(cmd) }
}

// killGroup ends whoever is left of the command's group.
func killGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
