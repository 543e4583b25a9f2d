// Command longcall holds one bidirectional gRPC call open, for as long as its input lasts.
//
// Each line read asks the server for a message of that many bytes; "got N" is printed once it has come. At the end of
// the input the call is half-closed. What the call ended with is the last line: "ended CODE MESSAGE".
//
//	longcall [-tls-ca FILE] [-deadline 5s] ADDRESS AUTHORITY [METHOD]
//
// METHOD is "duplex" (the default: TestService/FullDuplexCall) or "unary", which makes one EmptyCall for each line and
// prints how each ended.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"
)

func main() {
	ca := flag.String("tls-ca", "", "speak TLS, trusting this file only")
	deadline := flag.Duration("deadline", 0, "of each call; 0 is none")
	flag.Parse()
	if flag.NArg() < 2 {
		log.Fatal("usage: longcall [flags] ADDRESS AUTHORITY [duplex|unary]")
	}
	connection, err := grpc.NewClient("passthrough:///"+flag.Arg(0), transport(*ca, flag.Arg(1)), grpc.WithAuthority(flag.Arg(1)))
	if err != nil {
		log.Fatal(err)
	}
	client := testgrpc.NewTestServiceClient(connection)
	if flag.Arg(2) == "unary" {
		unary(client, *deadline)
		return
	}
	tell(duplex(client, *deadline))
}

func transport(ca, authority string) grpc.DialOption {
	if ca == "" {
		return grpc.WithTransportCredentials(insecure.NewCredentials())
	}
	text, err := os.ReadFile(ca)
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		log.Fatalf("no certificate in %s", ca)
	}
	return grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: roots, ServerName: authority}))
}

func bounded(deadline time.Duration) (context.Context, context.CancelFunc) {
	if deadline == 0 {
		return context.WithCancel(context.Background())
	}
	return context.WithTimeout(context.Background(), deadline)
}

func tell(err error) {
	told := status.Convert(err)
	fmt.Printf("ended %s %s\n", told.Code(), told.Message())
}

func unary(client testgrpc.TestServiceClient, deadline time.Duration) {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		ctx, cancel := bounded(deadline)
		_, err := client.EmptyCall(ctx, &testgrpc.Empty{})
		cancel()
		tell(err)
	}
}

// duplex ends with nil once the server has ended the call with OK.
func duplex(client testgrpc.TestServiceClient, deadline time.Duration) error {
	ctx, cancel := bounded(deadline)
	defer cancel()
	call, err := client.FullDuplexCall(ctx)
	if err != nil {
		return err
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		size, err := strconv.Atoi(lines.Text())
		if err != nil {
			log.Fatal(err)
		}
		answer, err := asked(call, int32(size))
		if err != nil {
			return err
		}
		fmt.Printf("got %d\n", len(answer.GetPayload().GetBody()))
	}
	if err := call.CloseSend(); err != nil {
		return err
	}
	if _, err := call.Recv(); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

func asked(call testgrpc.TestService_FullDuplexCallClient, size int32) (*testgrpc.StreamingOutputCallResponse, error) {
	request := &testgrpc.StreamingOutputCallRequest{
		ResponseParameters: []*testgrpc.ResponseParameters{{Size: size}},
		Payload:            &testgrpc.Payload{Body: make([]byte, size)},
	}
	if err := call.Send(request); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return call.Recv() // tells the status, too, of a call on which nothing can be sent
}
