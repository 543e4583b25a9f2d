// Command health is a gRPC server with nothing but the standard health service, whose statuses are set by its input.
//
// "listening ADDRESS" is printed first. Each line read, "SERVICE STATUS", sets one ("-" is the server as a whole); "set"
// is printed once it is. A status is SERVING, NOT_SERVING or UNKNOWN.
//
//	health [-tls-certificate FILE -tls-key FILE] [-without]
package main

import (
	"bufio"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
)

func main() {
	certificate := flag.String("tls-certificate", "", "speak TLS, with this certificate")
	key := flag.String("tls-key", "", "its key")
	without := flag.Bool("without", false, "do not serve the health service")
	flag.Parse()
	var options []grpc.ServerOption
	if *certificate != "" {
		pair, err := credentials.NewServerTLSFromFile(*certificate, *key)
		if err != nil {
			log.Fatal(err)
		}
		options = append(options, grpc.Creds(pair))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(options...)
	statuses := health.NewServer()
	if !*without {
		healthgrpc.RegisterHealthServer(server, statuses)
	}
	go func() { log.Fatal(server.Serve(listener)) }()
	fmt.Printf("listening %s\n", listener.Addr())
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		service, status, _ := strings.Cut(lines.Text(), " ")
		if service == "-" {
			service = ""
		}
		statuses.SetServingStatus(service, healthgrpc.HealthCheckResponse_ServingStatus(healthgrpc.HealthCheckResponse_ServingStatus_value[status]))
		fmt.Println("set")
	}
}
