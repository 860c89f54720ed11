package main

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// imageConfig is what a container of the image runs with, in the words of the image specification.
type imageConfig struct {
	User         string              `json:"User,omitempty"`
	ExposedPorts map[string]struct{} `json:"ExposedPorts,omitempty"`
	Env          []string            `json:"Env,omitempty"`
	Entrypoint   []string            `json:"Entrypoint,omitempty"`
	Cmd          []string            `json:"Cmd,omitempty"`
	WorkingDir   string              `json:"WorkingDir,omitempty"`
	Labels       map[string]string   `json:"Labels,omitempty"`
}

// writeImage makes an image archive of a root file system's tar, as `docker import` and `docker save` together would.
//
//	image [-c CHANGE]... ROOT.tar NAME:TAG IMAGE.tar
//
// A change is a line of a Dockerfile: ENTRYPOINT, CMD, ENV, EXPOSE, USER, WORKDIR or LABEL.
func writeImage(_ context.Context, arguments []string) error {
	var config imageConfig
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	flags.Func("c", "a line of a Dockerfile", config.change)
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if flags.NArg() != 3 {
		return fmt.Errorf("usage: image [-c CHANGE]... ROOT.tar NAME:TAG IMAGE.tar")
	}
	return config.archive(flags.Arg(0), flags.Arg(1), flags.Arg(2))
}

func (config *imageConfig) change(line string) error {
	word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	rest = strings.TrimSpace(rest)
	switch strings.ToUpper(word) {
	case "ENTRYPOINT":
		return json.Unmarshal([]byte(rest), &config.Entrypoint)
	case "CMD":
		return json.Unmarshal([]byte(rest), &config.Cmd)
	case "ENV":
		config.Env = append(config.Env, rest)
	case "EXPOSE":
		if !strings.Contains(rest, "/") {
			rest += "/tcp"
		}
		if config.ExposedPorts == nil {
			config.ExposedPorts = map[string]struct{}{}
		}
		config.ExposedPorts[rest] = struct{}{}
	case "USER":
		config.User = rest
	case "WORKDIR":
		config.WorkingDir = rest
	case "LABEL":
		name, value, _ := strings.Cut(rest, "=")
		if config.Labels == nil {
			config.Labels = map[string]string{}
		}
		config.Labels[name] = value
	default:
		return fmt.Errorf("%q changes nothing that is known here", line)
	}
	return nil
}

func (config *imageConfig) archive(root, name, output string) error {
	digest, err := sha256File(root)
	if err != nil {
		return err
	}
	description, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH,
		"os":           "linux",
		"created":      "1970-01-01T00:00:00Z",
		"config":       config,
		"rootfs":       map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + digest}},
		"history":      []map[string]string{{"created": "1970-01-01T00:00:00Z"}},
	})
	if err != nil {
		return err
	}
	sum := sha256.Sum256(description)
	descriptionName := hex.EncodeToString(sum[:]) + ".json"
	layerName := digest + "/layer.tar"
	manifest, err := json.Marshal([]map[string]any{
		{"Config": descriptionName, "RepoTags": []string{name}, "Layers": []string{layerName}},
	})
	if err != nil {
		return err
	}
	// The archive appears whole or not at all.
	file, err := os.CreateTemp(filepath.Dir(output), "image-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	archive := tar.NewWriter(file)
	if err := addBytes(archive, descriptionName, description); err != nil {
		return err
	}
	if err := addFile(archive, layerName, root); err != nil {
		return err
	}
	if err := addBytes(archive, "manifest.json", manifest); err != nil {
		return err
	}
	if err := archive.Close(); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), output)
}

func sha256File(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

func addBytes(archive *tar.Writer, name string, content []byte) error {
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
		return err
	}
	_, err := archive.Write(content)
	return err
}

func addFile(archive *tar.Writer, name, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	about, err := file.Stat()
	if err != nil {
		return err
	}
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: about.Size()}); err != nil {
		return err
	}
	_, err = io.Copy(archive, file)
	return err
}
