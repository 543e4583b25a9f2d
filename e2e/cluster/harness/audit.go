package harness

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// Deed is one thing that somebody did to the API server.
type Deed struct {
	Verb, Group, Resource, Name string // Resource with its subresource: ingresses/status
	Namespace                   string
}

// Deeds is what a ServiceAccount did, by the API server's audit log: what it was let do, and what it was refused.
type Deeds struct{ Done, Refused map[Deed]bool }

// DeedsOf reads the audit log.
func (c *Cluster) DeedsOf(t testing.TB, namespace, account string) Deeds {
	t.Helper()
	c.OwnPlane(t)
	file, err := os.Open(c.Plane.AuditLog)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	user := fmt.Sprintf("system:serviceaccount:%s:%s", namespace, account)
	deeds := Deeds{map[Deed]bool{}, map[Deed]bool{}}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event auditEvent
		// The last line may be half written.
		if strings.Contains(lines.Text(), user) && json.Unmarshal(lines.Bytes(), &event) == nil && event.User.Username == user {
			event.addTo(deeds)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return deeds
}

type auditEvent struct {
	Verb      string
	User      struct{ Username string }
	ObjectRef *struct {
		Resource, Namespace, Name, APIGroup, Subresource string
	}
	ResponseStatus *struct{ Code int }
}

func (e auditEvent) addTo(deeds Deeds) {
	if e.ObjectRef == nil || e.ResponseStatus == nil {
		return
	}
	deed := Deed{e.Verb, e.ObjectRef.APIGroup, e.ObjectRef.Resource, e.ObjectRef.Name, e.ObjectRef.Namespace}
	if e.ObjectRef.Subresource != "" {
		deed.Resource += "/" + e.ObjectRef.Subresource
	}
	switch code := e.ResponseStatus.Code; {
	case code == 403:
		deeds.Refused[deed] = true
	case code < 400 || code == 404 || code == 409:
		deeds.Done[deed] = true
	}
}
