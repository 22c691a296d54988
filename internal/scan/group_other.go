//go:build !unix

package scan

import "os/exec"

// ownGroup leaves the command alone: here, only itself is killed.
func ownGroup(*exec.Cmd) {}

func killGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }
