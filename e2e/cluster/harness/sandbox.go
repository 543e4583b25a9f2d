package harness

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Set in the process that runs inside the sandbox.
const insideVariable = "PORTICO_E2E_SANDBOX"

func insideSandbox() bool { return os.Getenv(insideVariable) != "" }

// enterSandbox runs this program again in a network and a mount namespace of its own, and returns its exit code.
// Nothing there can reach out, every address of the pods is local, and /var/run is empty.
func enterSandbox(environment []string) int {
	// The child dies with the thread that started it.
	runtime.LockOSThread()
	code, err := runInside(environment, syscall.CLONE_NEWNET|syscall.CLONE_NEWNS)
	if errors.Is(err, syscall.EPERM) {
		code, err = runInside(environment, syscall.CLONE_NEWNET|syscall.CLONE_NEWNS|syscall.CLONE_NEWUSER)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "no network namespace can be made (root or user namespaces are needed): %v\n", err)
		return 2
	}
	return code
}

func runInside(environment []string, flags uintptr) (int, error) {
	command := exec.Command("/proc/self/exe", os.Args[1:]...)
	command.Env = append(append(os.Environ(), insideVariable+"=1"), environment...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGKILL}
	if flags&syscall.CLONE_NEWUSER != 0 {
		command.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		command.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	if err := command.Start(); err != nil {
		return 0, err
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)
	go func() {
		for number := range signals {
			_ = command.Process.Signal(number)
		}
	}()
	_ = command.Wait()
	return command.ProcessState.ExitCode(), nil
}

// furnishSandbox makes the pods' addresses local and empties /var/run, where a pod finds its ServiceAccount.
func furnishSandbox() error {
	if err := setLoopback(net.IPv4(10, 244, 0, 1), net.CIDRMask(16, 32)); err != nil {
		return fmt.Errorf("addresses of the pods: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("own mounts: %w", err)
	}
	run, err := filepath.EvalSymlinks("/var/run")
	if err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", run, "tmpfs", 0, ""); err != nil {
		return fmt.Errorf("an empty %s: %w", run, err)
	}
	return nil
}

// Of a network on a loopback device, every address is local.
func setLoopback(address net.IP, mask net.IPMask) error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	up, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	up.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, up); err != nil {
		return err
	}
	for _, step := range []struct {
		request uint
		value   []byte
	}{{unix.SIOCSIFADDR, address.To4()}, {unix.SIOCSIFNETMASK, mask}} {
		alias, err := unix.NewIfreq("lo:pods")
		if err != nil {
			return err
		}
		if err := alias.SetInet4Addr(step.value); err != nil {
			return err
		}
		if err := unix.IoctlIfreq(socket, step.request, alias); err != nil {
			return err
		}
	}
	return nil
}
