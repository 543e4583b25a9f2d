// Package assets finds the programs that make a cluster, and builds those that are not there.
//
// A program NAME is, in this order: what TEST_ASSET_NAME says, the file of that name in the folder KUBEBUILDER_ASSETS,
// or built from its Go module, once for each version of it and of Go, into the user's cache folder.
package assets

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
)

// The programs, in the order in which they are built: each shares most packages with the one before.
const (
	Etcd              = "etcd"
	APIServer         = "kube-apiserver"
	ControllerManager = "kube-controller-manager"
	Kubectl           = "kubectl"
	Helm              = "helm"
)

// Folder is set for processes whose parent has already found everything: there, nothing is built.
const Folder = "PORTICO_E2E_ASSETS"

var packages = []struct{ name, path string }{
	{Etcd, "go.etcd.io/etcd/server/v3"},
	{APIServer, "k8s.io/kubernetes/cmd/kube-apiserver"},
	{ControllerManager, "k8s.io/kubernetes/cmd/kube-controller-manager"},
	{Kubectl, "k8s.io/kubernetes/cmd/kubectl"},
	{Helm, "helm.sh/helm/v3/cmd/helm"},
}

// Assets is where each program is.
type Assets map[string]string

// Find returns all programs, building what is missing.
//
// Errors: what `go build` said.
func Find() (Assets, error) {
	found := Assets{}
	var missing []string
	for _, program := range packages {
		if path := given(program.name); path != "" {
			found[program.name] = path
			continue
		}
		missing = append(missing, program.name)
	}
	if len(missing) == 0 {
		return found, nil
	}
	module, err := moduleFile()
	if err != nil {
		return nil, err
	}
	folder, err := cacheFolder(module)
	if err != nil {
		return nil, err
	}
	unlock, err := lock(folder)
	if err != nil {
		return nil, err
	}
	defer unlock()
	for _, name := range missing {
		path := filepath.Join(folder, name)
		if _, err := os.Stat(path); err != nil {
			if err := build(module, name, path); err != nil {
				return nil, err
			}
		}
		found[name] = path
	}
	return found, nil
}

func given(name string) string {
	variable := "TEST_ASSET_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	if path := os.Getenv(variable); path != "" {
		return path
	}
	for _, variable := range []string{Folder, "KUBEBUILDER_ASSETS"} {
		if folder := os.Getenv(variable); folder != "" {
			path := filepath.Join(folder, name)
			if _, err := os.Stat(path); err == nil {
				return path
			}
		}
	}
	return ""
}

func moduleFile() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env: %w", err)
	}
	path := strings.TrimSpace(string(out))
	if path == "" || path == os.DevNull {
		return "", fmt.Errorf("not in a Go module: run it in e2e/")
	}
	return path, nil
}

func cacheFolder(module string) (string, error) {
	text, err := os.ReadFile(module)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	key := sha256.Sum256(append(text, runtime.Version()+runtime.GOARCH...))
	folder := filepath.Join(cache, "portico", "e2e",
		fmt.Sprintf("kubernetes-%s-%x", version(text, "k8s.io/kubernetes"), key[:6]))
	return folder, os.MkdirAll(folder, 0o755)
}

func version(module []byte, path string) string {
	match := regexp.MustCompile(regexp.QuoteMeta(path) + ` (v\S+)`).FindSubmatch(module)
	if match == nil {
		return "v0.0.0"
	}
	return string(match[1])
}

// Two runs at once build once.
func lock(folder string) (func(), error) {
	file, err := os.Create(filepath.Join(folder, ".lock"))
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		return nil, err
	}
	return func() { _ = file.Close() }, nil
}

func build(module, name, path string) error {
	text, err := os.ReadFile(module)
	if err != nil {
		return err
	}
	// API server and kubectl tell each other this version, and judge by it what they may do.
	flags := fmt.Sprintf("-s -w -X k8s.io/component-base/version.gitVersion=%s -X helm.sh/helm/v3/internal/version.version=%s",
		version(text, "k8s.io/kubernetes"), version(text, "helm.sh/helm/v3"))
	fresh := path + ".new"
	command := exec.Command("go", "build", "-mod=readonly", "-buildvcs=false", "-p", "2", "-ldflags", flags, "-o", fresh, packageOf(name))
	command.Dir = filepath.Dir(module)
	command.Env = append(os.Environ(), "GOTOOLCHAIN=local", "CGO_ENABLED=0")
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	fmt.Fprintf(os.Stderr, "building %s\n", name)
	if err := command.Run(); err != nil {
		return fmt.Errorf("building %s: %w", name, err)
	}
	return os.Rename(fresh, path)
}

func packageOf(name string) string {
	for _, program := range packages {
		if program.name == name {
			return program.path
		}
	}
	panic("no such program: " + name)
}
