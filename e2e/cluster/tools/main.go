// Finds or builds the programs that make a cluster, and prints a line `NAME PATH` for each.
package main

import (
	"fmt"
	"os"

	"portico.dev/portico/e2e/cluster/assets"
)

func main() {
	found, err := assets.Find()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for name, path := range found {
		fmt.Println(name, path)
	}
}
