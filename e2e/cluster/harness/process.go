package harness

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a running program and what it wrote.
//
// Lifetime: it dies with this program, however that ends.
type Process struct {
	Name string

	command *exec.Cmd
	ended   chan struct{}

	mutex   sync.Mutex
	lines   []string
	onLines []chan struct{}
}

const keptLines = 4000

// Processes die with the thread that started them, so all are started by one that never ends.
var starter = sync.OnceValue(func() chan func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for task := range work {
			task()
		}
	}()
	return work
})

func startProcess(name, program string, environment []string, arguments ...string) (*Process, error) {
	process := &Process{Name: name, command: exec.Command(program, arguments...), ended: make(chan struct{})}
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	process.command.Stdout, process.command.Stderr = writer, writer
	process.command.Env = append(os.Environ(), environment...)
	process.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	starter() <- func() { started <- process.command.Start() }
	err = <-started
	_ = writer.Close()
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	go process.read(reader)
	return process, nil
}

func (p *Process) read(output io.ReadCloser) {
	defer output.Close()
	lines := bufio.NewReader(output)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			p.keep(strings.TrimRight(line, "\n"))
		}
		if err != nil {
			break
		}
	}
	_ = p.command.Wait()
	close(p.ended)
}

func (p *Process) keep(line string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if len(p.lines) >= keptLines {
		p.lines = append(p.lines[:0], p.lines[keptLines/2:]...)
	}
	p.lines = append(p.lines, line)
	for _, waiting := range p.onLines {
		close(waiting)
	}
	p.onLines = nil
}

// Log is the end of what it wrote.
func (p *Process) Log() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return strings.Join(p.lines, "\n")
}

// PID of the running process.
func (p *Process) PID() int { return p.command.Process.Pid }

// Running tells whether it has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// Signal sends it a signal.
func (p *Process) Signal(number syscall.Signal) { _ = p.command.Process.Signal(number) }

// Wait waits for its end and returns its exit code.
func (p *Process) Wait(limit time.Duration) (int, error) {
	select {
	case <-p.ended:
		return p.command.ProcessState.ExitCode(), nil
	case <-time.After(limit):
		return 0, fmt.Errorf("%s did not end in %s", p.Name, limit)
	}
}

// Kill ends it at once.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.ended
}

// awaitLine waits until `found` says yes to the lines so far.
func (p *Process) awaitLine(limit time.Duration, found func(lines []string) bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for {
		p.mutex.Lock()
		if found(p.lines) {
			p.mutex.Unlock()
			return nil
		}
		more := make(chan struct{})
		p.onLines = append(p.onLines, more)
		p.mutex.Unlock()
		select {
		case <-more:
		case <-p.ended:
			return fmt.Errorf("%s ended", p.Name)
		case <-ctx.Done():
			return fmt.Errorf("%s did not say so in %s", p.Name, limit)
		}
	}
}

// ResidentBytes is the memory it holds now.
func (p *Process) ResidentBytes() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(string(text), "\n") {
		var kilobytes int64
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kilobytes); err == nil {
			return kilobytes * 1024, nil
		}
	}
	return 0, fmt.Errorf("%s has no VmRSS", p.Name)
}
