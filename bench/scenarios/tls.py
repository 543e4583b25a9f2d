"""What TLS and HTTP/2 cost: Portico beside nginx and HAProxy, with the same certificate and cipher."""

from support import contest, load, report

TITLE = "tls: TLS 1.3 keep-alive, HTTP/2, full handshakes, bodies of 1 MB"
CONNECTIONS = 64
H2_CONNECTIONS, H2_STREAMS = 8, 16
BODY_BYTES, BODY_CONNECTIONS = 1_000_000, 8
HANDSHAKE_THREADS = 8
# nginx copies a body of 1 MB through 4 KB and a file otherwise; both tried, this is the cheapest.
LARGE_BODIES = {"buffering": "off", "buffer_size": "64k"}


def run(options):
    rounds = options.rounds or (2 if options.quick else 7)
    seconds = 1 if options.quick else 3
    with contest.contestants(options) as programs:
        keep_alive(options, programs, rounds, seconds)
        http2(options, programs, rounds, seconds)
    for kind in ("rsa", "ecdsa"):
        with contest.contestants(options, kind, body_bytes=1) as programs:
            handshakes(options, programs, rounds, seconds, kind)
    with contest.contestants(options, body_bytes=BODY_BYTES, **LARGE_BODIES) as programs:
        for scheme in ("http", "https"):
            bodies(options, programs, rounds, seconds, scheme)


def over_wrk(options, programs, rounds, seconds, connections, scheme):
    shape = load.Shape(connections, contest.HOST_COUNT, contest.HOST_SUFFIX, "browser",
                       options.load_cpus, scheme)

    def measure(program):
        port = program.https_port if scheme == "https" else program.port
        return load.cost_of(program, lambda: load.wrk(port, seconds, shape))

    return contest.in_turn(programs, rounds, measure)


def keep_alive(options, programs, rounds, seconds):
    report.line(f"HTTP/1.1 over TLS 1.3, {CONNECTIONS} kept connections", "")
    costs = over_wrk(options, programs, rounds, seconds, CONNECTIONS, "https")
    contest.print_costs(costs)
    contest.print_ratio("TLS keep-alive / the better peer", costs, 0.75)


def http2(options, programs, rounds, seconds):
    report.line(f"HTTP/2 over TLS 1.3, {H2_CONNECTIONS} connections of {H2_STREAMS} streams", "")

    def measure(program):
        return load.cost_of(program, lambda: load.h2load(
            program.https_port, seconds, contest.HOSTS[0], H2_CONNECTIONS, H2_STREAMS,
            options.load_cpus))

    costs = contest.in_turn(programs, rounds, measure)
    contest.print_costs(costs)
    contest.print_ratio("HTTP/2 over TLS / the better peer", costs, 0.9)


def handshakes(options, programs, rounds, seconds, kind):
    options.build.require(options.build.handshakes)
    report.line(f"full handshakes of TLS 1.3, {kind}", "")

    def measure(program):
        return load.cost_of(program, lambda: load.handshakes(
            options.build.handshakes, program.https_port, seconds, contest.HOSTS[0],
            HANDSHAKE_THREADS, options.load_cpus))

    costs = contest.in_turn(programs, rounds, measure)
    contest.print_costs(costs, "a handshake")
    contest.print_speed(f"handshakes, {kind} / the better peer", costs, 1.1)


def bodies(options, programs, rounds, seconds, scheme):
    report.line(f"bodies of 1 MB by {scheme}, {BODY_CONNECTIONS} kept connections", "")
    costs = over_wrk(options, programs, rounds, seconds, BODY_CONNECTIONS, scheme)
    contest.print_costs(costs)
    contest.print_ratio(f"1 MB by {scheme} / the better peer", costs, 0.9)
