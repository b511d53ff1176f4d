// Command compose reads compose files as `docker compose config` does, with the library that docker compose is made of:
// it checks them against the schema of the Compose specification, merges them, and prints the whole.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	options, err := cli.NewProjectOptions(os.Args[1:], cli.WithOsEnv, cli.WithResolvedPaths(true))
	if err == nil {
		project, loadErr := options.LoadProject(context.Background())
		if loadErr == nil {
			var text []byte
			if text, err = project.MarshalYAML(); err == nil {
				fmt.Print(string(text))
				return
			}
		} else {
			err = loadErr
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
