// Produces and reads back with franz-go at its defaults (idempotent, sessions, topic
// ids), once for each codec, and prints TAP.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	n, failed := 0, false
	claim := func(ok bool, text string) {
		n++
		word := "ok"
		if !ok {
			word, failed = "not ok", true
		}
		fmt.Printf("%s %d - franz-go: %s\n", word, n, text)
	}
	for _, name := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		claim(roundTrip(name, codecs[name]) == nil, "5000 records there and back, codec "+name)
	}
	if failed {
		os.Exit(1)
	}
}

func roundTrip(name string, codec kgo.CompressionCodec) error {
	const count = 5000
	topic := "franz-" + name
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(os.Args[1]), kgo.AllowAutoTopicCreation(),
		kgo.ProducerBatchCompression(codec), kgo.DefaultProduceTopic(topic))
	if err != nil {
		return err
	}
	for i := 0; i < count; i++ {
		cl.Produce(ctx, &kgo.Record{Key: []byte(fmt.Sprint("k", i)), Value: []byte(fmt.Sprint("v", i))}, nil)
	}
	if err := cl.Flush(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "flush:", err)
		return err
	}
	cl.Close()
	rd, err := kgo.NewClient(kgo.SeedBrokers(os.Args[1]), kgo.ConsumeTopics(topic))
	if err != nil {
		return err
	}
	defer rd.Close()
	seen := map[string]bool{}
	for len(seen) < count {
		fetches := rd.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			fmt.Fprintln(os.Stderr, "fetch:", err)
			return err
		}
		fetches.EachRecord(func(r *kgo.Record) { seen[string(r.Key)+"="+string(r.Value)] = true })
	}
	for i := 0; i < count; i++ {
		if !seen[fmt.Sprintf("k%d=v%d", i, i)] {
			return fmt.Errorf("record %d is missing", i)
		}
	}
	return nil
}
