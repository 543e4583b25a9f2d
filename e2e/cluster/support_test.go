package cluster

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"portico.dev/portico/e2e/cluster/harness"
)

var deleteNow = metav1.DeleteOptions{}

// refusesToken complains as long as the API server takes the account's token.
func refusesToken(account *harness.Account) error {
	client, err := kubernetes.NewForConfig(&rest.Config{Host: cluster.Config.Host, BearerTokenFile: account.TokenFile,
		TLSClientConfig: rest.TLSClientConfig{CAData: cluster.Config.CAData}})
	if err != nil {
		return err
	}
	if _, err := client.CoreV1().Services(account.Namespace).List(context.Background(), metav1.ListOptions{Limit: 1}); err == nil {
		return fmt.Errorf("it takes the token")
	}
	return nil
}

// logSays complains unless a line of the log has all these words.
func logSays(portico *harness.Portico, words ...string) error {
	for _, line := range strings.Split(portico.Log(), "\n") {
		missing := false
		for _, word := range words {
			missing = missing || !strings.Contains(line, word)
		}
		if !missing {
			return nil
		}
	}
	return fmt.Errorf("no line with %q", words)
}

// run runs a program to its end and returns what it wrote.
func run(t *testing.T, input, program string, arguments ...string) (string, error) {
	t.Helper()
	command := exec.Command(program, arguments...)
	command.Stdin = strings.NewReader(input)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	command.Env = append(command.Environ(), "KUBECONFIG="+cluster.Kubeconfig(), "HOME="+cluster.Folder())
	if err := command.Run(); err != nil {
		return out.String(), fmt.Errorf("%s %s: %w\n%s", program, strings.Join(arguments, " "), err, out.String())
	}
	return out.String(), nil
}

// kubectl runs kubectl as who may do everything.
func kubectl(t *testing.T, input string, arguments ...string) string {
	t.Helper()
	out, err := run(t, input, cluster.Assets["kubectl"], arguments...)
	must(t, err)
	return out
}
