package main

import (
	"fmt"
	"os"
	"os/exec"
	"time"
)

// measured runs a program and prints its time, that of the processors, its
// memory and its exit code. A program that Go starts inherits the mark of Go's
// own memory.
const measured = `
import os, sys, time
start = time.perf_counter()
pid = os.fork()
if pid == 0:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.execvp(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(pid, 0)
print(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, os.waitstatus_to_exitcode(status))
`

// usage is what one run of a program took.
type usage struct {
	wall, cpu time.Duration
	memory    float64 // MiB
	code      int
}

// measure runs a command for its usage alone.
func measure(cmd *exec.Cmd) (u usage, err error) {
	cmd.Args = append([]string{os.Getenv("PAVISE_PYTHON"), "-c", measured}, cmd.Args...)
	cmd.Path = cmd.Args[0]
	out, err := cmd.Output()
	if err != nil {
		return u, err
	}
	var wall, cpu, kib float64
	if _, err := fmt.Sscan(string(out), &wall, &cpu, &kib, &u.code); err != nil {
		return u, err
	}
	u.wall, u.cpu, u.memory = time.Duration(wall*float64(time.Second)), time.Duration(cpu*float64(time.Second)), kib/1024
	return u, nil
}
