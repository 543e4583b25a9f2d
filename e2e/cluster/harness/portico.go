package harness

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// errorf is fmt.Errorf, for the polls' complaints.
var errorf = fmt.Errorf

// Setup says how Portico is started.
type Setup struct {
	Namespace string   // it says that it runs there: its Lease is there
	Class     string   // --ingress-class; the namespace's name where empty
	Name      string   // of the replica; "portico-0" where empty
	Account   *Account // made where nil
	Server    string   // the API server's URL; the real one where empty
	Flags     []string
	Address   string // listens on ports 80 and 443 of it; on ports of its own of 127.0.0.1 where empty
	// Does not wait until it is ready.
	Unready bool
}

// Portico is a running `portico serve`.
type Portico struct {
	*Process
	Account *Account
	Class   string

	addresses map[string]string // http, https, admin
	client    *http.Client
	stopped   bool
}

var listening = regexp.MustCompile(`listening (http|https|admin) (\S+)`)

// Binary is the program under test.
func Binary() string {
	if path := os.Getenv("PORTICO_BIN"); path != "" {
		return path
	}
	root, err := os.Getwd()
	for err == nil && root != "/" {
		path := filepath.Join(root, "build", "release", "portico")
		if _, missing := os.Stat(path); missing == nil {
			return path
		}
		root = filepath.Dir(root)
	}
	return "portico"
}

// StartPortico starts it with an account of its own. It is stopped with the test, which then fails where it does not
// end in order.
func (c *Cluster) StartPortico(t testing.TB, setup Setup) *Portico {
	t.Helper()
	if setup.Class == "" {
		setup.Class = setup.Namespace
	}
	if setup.Name == "" {
		setup.Name = "portico-0"
	}
	if setup.Server == "" {
		setup.Server = c.Config.Host
	}
	if setup.Account == nil {
		setup.Account = c.Account(t, setup.Namespace, setup.Server)
	}
	arguments := []string{"serve", "--kubeconfig", setup.Account.Kubeconfig, "--workers", "2",
		"--ingress-class", setup.Class, "--controller-class", controllerOf(setup.Class)}
	arguments = append(arguments, addressFlags(setup.Address)...)
	arguments = append(arguments, setup.Flags...)
	return c.runPortico(t, setup, []string{"POD_NAME=" + setup.Name, "POD_NAMESPACE=" + setup.Namespace}, arguments)
}

// RunPortico starts it with exactly these arguments, as the container of a pod would.
func (c *Cluster) RunPortico(t testing.TB, setup Setup, environment, arguments []string) *Portico {
	t.Helper()
	return c.runPortico(t, setup, environment, arguments)
}

func addressFlags(address string) []string {
	if address == "" {
		return []string{"--http-address", "127.0.0.1:0", "--https-address", "127.0.0.1:0", "--admin-address", "127.0.0.1:0"}
	}
	return []string{"--http-address", address + ":80", "--https-address", address + ":443", "--admin-address", address + ":0"}
}

func (c *Cluster) runPortico(t testing.TB, setup Setup, environment, arguments []string) *Portico {
	t.Helper()
	process, err := startProcess(setup.Name, Binary(), append([]string{"KUBECONFIG="}, environment...), arguments...)
	if err != nil {
		t.Fatal(err)
	}
	portico := &Portico{Process: process, Account: setup.Account, Class: setup.Class, addresses: map[string]string{}}
	portico.client = portico.Client(nil)
	t.Cleanup(func() { portico.finish(t) })
	if err := process.awaitLine(Patience, portico.readAddresses); err != nil {
		t.Fatalf("portico %s: %v\n%s", strings.Join(arguments, " "), err, process.Log())
	}
	if !setup.Unready {
		portico.AwaitReady(t)
	}
	return portico
}

func (p *Portico) readAddresses(lines []string) bool {
	for _, line := range lines {
		if match := listening.FindStringSubmatch(line); match != nil {
			p.addresses[match[1]] = match[2]
		}
	}
	return len(p.addresses) == 3
}

// AwaitReady waits until /readyz says 200, and returns how long that took.
func (p *Portico) AwaitReady(t testing.TB) time.Duration {
	t.Helper()
	begin := time.Now()
	if err := poll(Patience, p.Ready); err != nil {
		t.Fatalf("not ready: %v\n%s", err, p.Log())
	}
	return time.Since(begin)
}

// Ready is nil where /readyz says 200.
func (p *Portico) Ready() error {
	if !p.Running() {
		return errors.New("it ended")
	}
	status, body, err := p.Admin("/readyz")
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return errorf("/readyz says %d: %s", status, body)
	}
	return nil
}

// Admin asks an admin page.
func (p *Portico) Admin(path string) (int, string, error) {
	answer, err := p.client.Get("http://" + p.addresses["admin"] + path)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(body), err
}

// Stop ends it by SIGTERM and says what was wrong with its end.
func (p *Portico) Stop() error {
	p.stopped = true
	p.Signal(syscall.SIGTERM)
	code, err := p.Wait(Patience)
	if err == nil && code != 0 {
		err = errorf("%s ended with %d", p.Name, code)
	}
	return err
}

// Crash ends it by SIGKILL.
func (p *Portico) Crash() {
	p.stopped = true
	p.Kill()
}

func (p *Portico) finish(t testing.TB) {
	var err error
	if !p.stopped {
		if err = p.Stop(); err != nil {
			t.Error(err)
		}
	}
	if t.Failed() {
		lines := strings.Split(p.Log(), "\n")
		t.Logf("%s wrote at its end:\n%s", p.Name, strings.Join(lines[max(0, len(lines)-40):], "\n"))
	}
	if p.Running() {
		p.Kill()
	}
}

// Client is an HTTP client whose every name leads to this Portico; of TLS it trusts these roots.
func (p *Portico) Client(roots *x509.CertPool) *http.Client {
	dialer := &net.Dialer{Timeout: Patience}
	return &http.Client{
		Timeout: Patience,
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				return dialer.DialContext(ctx, network, p.route(address))
			},
			TLSClientConfig:     &tls.Config{RootCAs: roots},
			MaxIdleConnsPerHost: 16,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// The names of tests lead to the listeners; addresses are what they are.
func (p *Portico) route(address string) string {
	host, port, _ := net.SplitHostPort(address)
	if net.ParseIP(host) != nil {
		return address
	}
	if port == "443" {
		return p.addresses["https"]
	}
	return p.addresses["http"]
}

// HTTP is the address of the plain listener.
func (p *Portico) HTTP() string { return p.addresses["http"] }

// Answer is what came back, and what the pod that answered had seen.
type Answer struct {
	Status int
	Header http.Header
	Proto  string
	Length int64
	Body   string
	Captured
}

// Get asks for a URL of a served host, such as http://shop.test/cart.
func (p *Portico) Get(url string) (*Answer, error) {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return Do(p.client, request)
}

// Post sends a body of so many bytes.
func (p *Portico) Post(url string, bytes int) (*Answer, error) {
	request, err := http.NewRequest(http.MethodPost, url, strings.NewReader(strings.Repeat("x", bytes)))
	if err != nil {
		return nil, err
	}
	return Do(p.client, request)
}

// Do sends a request and reads the answer.
func Do(client *http.Client, request *http.Request) (*Answer, error) {
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	answer := &Answer{Status: response.StatusCode, Header: response.Header, Proto: response.Proto,
		Length: response.ContentLength, Body: string(body)}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(body, &answer.Captured); err != nil {
			return nil, errorf("%s: %w", body, err)
		}
	}
	return answer, nil
}

// InEffect waits like Eventually, and then until what `check` saw of one worker holds for all of them: the controller hands
// a change to one after the other, in one task; /metrics asks each worker, and then passes by the controller. So behind the
// first answer the task is done, and behind the second so is each worker.
func (p *Portico) InEffect(t testing.TB, what string, check func() error) {
	t.Helper()
	Eventually(t, what, check)
	for range 2 {
		if status, _, err := p.Admin("/metrics"); err != nil || status != http.StatusOK {
			t.Fatalf("/metrics: %d, %v", status, err)
		}
	}
}

// Serves complains unless the URL is answered by a pod of that Service.
func (p *Portico) Serves(url, service string) error {
	answer, err := p.Get(url)
	if err != nil {
		return err
	}
	if answer.Status != http.StatusOK || answer.Service != service {
		return errorf("%s answered %d from %q, wanted %q", url, answer.Status, answer.Service, service)
	}
	return nil
}

// Answers complains unless the URL is answered with that status.
func (p *Portico) Answers(url string, status int) error {
	answer, err := p.Get(url)
	if err != nil {
		return err
	}
	if answer.Status != status {
		return errorf("%s answered %d, wanted %d", url, answer.Status, status)
	}
	return nil
}
