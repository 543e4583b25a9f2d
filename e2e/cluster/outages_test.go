package cluster

import (
	"context"
	"fmt"
	"testing"
	"time"

	"portico.dev/portico/e2e/cluster/harness"
)

// What may happen to the API server, or on the way to it, while clients go on asking. Not one request may fail, and
// what changed meanwhile is in effect soon after. The two tests that break the API server itself run alone, first.

// outage is a Portico that serves shop.test under traffic, reaching the API server by a proxy.
type outage struct {
	*harness.Portico
	namespace string
	proxy     *harness.APIProxy
	traffic   *harness.Traffic
	changes   int
}

func underTraffic(t *testing.T, prepare ...func(*harness.Account)) *outage {
	t.Helper()
	namespace := cluster.Namespace(t)
	cluster.Class(t, namespace)
	cluster.Service(t, namespace, "shop", 2)
	proxy := cluster.StartAPIProxy(t)
	account := cluster.Account(t, namespace, proxy.URL)
	for _, step := range prepare {
		step(account)
	}
	cluster.Apply(t, harness.Ingress(namespace, "shop", namespace, harness.Everything("shop.test", "shop")))
	portico := cluster.StartPortico(t, harness.Setup{Namespace: namespace, Account: account})
	must(t, portico.Serves("http://shop.test/", "shop"))
	o := &outage{Portico: portico, namespace: namespace, proxy: proxy}
	o.traffic = harness.StartTraffic("http://shop.test/", func() *harness.Portico { return portico })
	return o
}

// change makes an Ingress for a host that was not served before, and returns its URL.
func (o *outage) change(t *testing.T) string {
	t.Helper()
	o.changes++
	host := fmt.Sprintf("change-%d.test", o.changes)
	cluster.Apply(t, harness.Ingress(o.namespace, fmt.Sprintf("change-%d", o.changes), o.namespace, harness.Everything(host, "shop")))
	return "http://" + host + "/"
}

// catchesUp waits until every change is served, and says how long that took from now.
func (o *outage) catchesUp(t *testing.T, urls ...string) {
	t.Helper()
	took := harness.Eventually(t, "caught up", func() error {
		for _, url := range urls {
			if err := o.Serves(url, "shop"); err != nil {
				return err
			}
		}
		return nil
	})
	t.Logf("caught up in %s", took.Round(time.Millisecond))
}

func (o *outage) ends(t *testing.T) {
	t.Helper()
	must(t, o.Portico.Ready())
	o.traffic.Stop(t)
}

// passes lets time pass under traffic: the outage itself is what takes long.
func passes(t *testing.T, o *outage, duration time.Duration) {
	t.Helper()
	harness.Throughout(t, duration, "served through the outage", func() error { return o.Serves("http://shop.test/", "shop") })
}

func TestTheAPIServerIsKilledAndComesBack(t *testing.T) {
	o := underTraffic(t)
	cluster.Plane.KillAPIServer()
	passes(t, o, longer(3*time.Second, 60*time.Second))
	must(t, cluster.RestartAPIServer())
	o.catchesUp(t, o.change(t))
	o.ends(t)
}

func TestEtcdForgetsTheVersionThatAWatchWouldGoOnFrom(t *testing.T) {
	o := underTraffic(t)
	o.proxy.Refuse(true)
	first, second := o.change(t), o.change(t)
	must(t, cluster.Client.NetworkingV1().Ingresses(o.namespace).Delete(context.Background(), "change-1", deleteNow))
	must(t, cluster.Plane.Compact(context.Background()))
	// The API server's own memory of versions goes with it: the watches will hear 410 Gone.
	cluster.Plane.KillAPIServer()
	must(t, cluster.RestartAPIServer())
	o.proxy.Refuse(false)
	o.catchesUp(t, second)
	must(t, o.Answers(first, 404))
	o.ends(t)
}

func TestATokenExpiresBeforeItIsRenewed(t *testing.T) {
	t.Parallel()
	o := underTraffic(t, func(account *harness.Account) { account.ShortToken(t, 5*time.Second) })
	// The API server believes a token for up to ten seconds after it has seen it.
	harness.Eventually(t, "the API server refuses the token", func() error { return refusesToken(o.Account) })
	o.proxy.Cut()
	url := o.change(t)
	passes(t, o, longer(3*time.Second, 20*time.Second))
	must(t, o.Answers(url, 404))
	o.Account.RenewToken(t)
	o.catchesUp(t, url)
	o.ends(t)
}

// Nothing is closed, and every byte is acknowledged: only the bookmarks that do not come tell. The API server sends one a
// minute, so that this takes more than one.
func TestAWatchStallsWithoutAWord(t *testing.T) {
	t.Parallel()
	if longer(0, 1) == 0 {
		t.Skip("takes over a minute: PORTICO_LONG_TESTS")
	}
	o := underTraffic(t)
	o.proxy.FreezeOpen()
	url := o.change(t)
	took := harness.Within(t, 90*time.Second, "the stall is noticed", func() error { return o.Serves(url, "shop") })
	t.Logf("noticed in %s", took.Round(time.Second))
	o.ends(t)
}

func TestTheAPIServerIsOutOfReachForAWhile(t *testing.T) {
	t.Parallel()
	o := underTraffic(t)
	o.proxy.Freeze()
	url := o.change(t)
	passes(t, o, longer(3*time.Second, 60*time.Second))
	o.proxy.Cut()
	o.proxy.Thaw()
	o.catchesUp(t, url)
	o.ends(t)
}

func TestTheAPIServerAsksForPatience(t *testing.T) {
	t.Parallel()
	o := underTraffic(t)
	o.proxy.Throttle(true)
	o.proxy.Cut()
	url := o.change(t)
	harness.Eventually(t, "some requests are answered 429", func() error {
		if o.proxy.Throttled() < 3 {
			return fmt.Errorf("%d were", o.proxy.Throttled())
		}
		return nil
	})
	before, begin := o.proxy.Throttled(), time.Now()
	passes(t, o, longer(3*time.Second, 20*time.Second))
	period := time.Since(begin)
	// Retry-After says one second, and there are seven kinds at most to ask for, leases and status beside.
	if asked := o.proxy.Throttled() - before; asked > int64(10*(period.Seconds()+1)) {
		t.Errorf("asked %d times in %s though told to wait a second each time", asked, period)
	}
	o.proxy.Throttle(false)
	o.catchesUp(t, url)
	o.ends(t)
}

func TestARollingRestartOfTwoReplicasLosesNoRequest(t *testing.T) {
	t.Parallel()
	namespace := cluster.Namespace(t)
	cluster.Class(t, namespace)
	cluster.Service(t, namespace, "shop", 2)
	cluster.Apply(t, harness.Ingress(namespace, "shop", namespace, harness.Everything("shop.test", "shop")))
	start := func(number int) *harness.Portico {
		return cluster.StartPortico(t, harness.Setup{Namespace: namespace, Name: fmt.Sprintf("portico-%d", number),
			Flags: []string{"--shutdown-grace-period", "3"}})
	}
	replicas := harness.NewBalancer(start(0), start(1))
	defer replicas.Close()
	traffic := harness.StartTraffic("http://shop.test/", replicas.Pick)
	for number := range 2 {
		old := replicas.Replica(0) // the one that is longest there
		fresh := start(number + 2)
		replicas.Add(fresh)
		must(t, old.Stop())
		replicas.Remove(old)
	}
	cluster.Apply(t, harness.Ingress(namespace, "late", namespace, harness.Everything("late.test", "shop")))
	harness.Eventually(t, "served by both", func() error {
		for number := range 2 {
			if err := replicas.Replica(number).Serves("http://late.test/", "shop"); err != nil {
				return err
			}
		}
		return nil
	})
	traffic.Stop(t)
}

func TestAStartWithoutTheAPIServerWaitsForIt(t *testing.T) {
	t.Parallel()
	namespace := cluster.Namespace(t)
	cluster.Class(t, namespace)
	cluster.Service(t, namespace, "shop", 1)
	cluster.Apply(t, harness.Ingress(namespace, "shop", namespace, harness.Everything("shop.test", "shop")))
	proxy := cluster.StartAPIProxy(t)
	account := cluster.Account(t, namespace, proxy.URL)
	proxy.Refuse(true)
	portico := cluster.StartPortico(t, harness.Setup{Namespace: namespace, Account: account, Unready: true})
	harness.Throughout(t, longer(time.Second, 5*time.Second), "not ready", func() error {
		if portico.Ready() == nil {
			return fmt.Errorf("ready without ever having read the cluster")
		}
		return nil
	})
	proxy.Refuse(false)
	portico.AwaitReady(t)
	must(t, portico.Serves("http://shop.test/", "shop"))
}

func TestAMissingRightIsNamedAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	namespace := cluster.Namespace(t)
	cluster.Class(t, namespace)
	cluster.Service(t, namespace, "shop", 1)
	cluster.Apply(t, harness.Ingress(namespace, "shop", namespace, harness.Everything("shop.test", "shop")))
	account := cluster.LimitedAccount(t, namespace, "secrets")
	portico := cluster.StartPortico(t, harness.Setup{Namespace: namespace, Account: account, Unready: true})
	harness.Eventually(t, "served without Secrets", func() error { return portico.Serves("http://shop.test/", "shop") })
	harness.Eventually(t, "the log names verb and resource", func() error {
		return logSays(portico, `list`, `secrets`)
	})
}
