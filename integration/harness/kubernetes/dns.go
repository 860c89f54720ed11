package main

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

const (
	zone = "cluster.local."
	// A name that changes, as those of headless services do, is not to be remembered for long.
	nameSeconds = 5
	byService   = "service"
)

// names answers for the zone cluster.local as the specification "DNS-Based Service Discovery" of Kubernetes says.
//
// No other name exists: there is no internet in the cluster, and a name that is not there must fail at once.
type names struct {
	services cache.Indexer
	slices   cache.Indexer
}

// entry is one answer: an address, a target of CNAME, PTR or SRV.
type entry struct {
	// What the record is about, where that is not what was asked for: an alias was followed.
	owner   string
	address netip.Addr
	target  string
	port    uint16
	kind    dnsmessage.Type
}

// endpoint is one place where a service's port is.
type endpoint struct {
	host    string
	address netip.Addr
	ports   []discovery.EndpointPort
}

// serveNames answers on UDP and TCP.
//
//	dns --kubeconfig FILE --listen ADDRESS:PORT
func serveNames(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("dns", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "how to reach the API server")
	listen := flags.String("listen", "", "address and port")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	client, err := connect(*kubeconfig, "dns")
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	slices := factory.Discovery().V1().EndpointSlices().Informer()
	if err := slices.AddIndexers(cache.Indexers{byService: sliceService}); err != nil {
		return err
	}
	known := &names{services: factory.Core().V1().Services().Informer().GetIndexer(), slices: slices.GetIndexer()}
	if err := startInformers(ctx, factory); err != nil {
		return err
	}
	return known.serve(ctx, *listen)
}

func sliceService(object any) ([]string, error) {
	slice, ok := object.(*discovery.EndpointSlice)
	if !ok {
		return nil, fmt.Errorf("%T is no EndpointSlice", object)
	}
	return []string{slice.Namespace + "/" + slice.Labels[discovery.LabelServiceName]}, nil
}

func (known *names) serve(ctx context.Context, listen string) error {
	packets, err := net.ListenPacket("udp", listen)
	if err != nil {
		return err
	}
	streams, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	go func() {
		<-ctx.Done()
		packets.Close()
		streams.Close()
	}()
	go known.serveStreams(streams)
	buffer := make([]byte, 64<<10)
	for {
		size, from, err := packets.ReadFrom(buffer)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			continue
		}
		if answer := known.answer(buffer[:size], false); answer != nil {
			// A client that is gone needs no answer.
			_, _ = packets.WriteTo(answer, from)
		}
	}
}

func (known *names) serveStreams(streams net.Listener) {
	for {
		stream, err := streams.Accept()
		if err != nil {
			return
		}
		go known.serveStream(stream)
	}
}

func (known *names) serveStream(stream net.Conn) {
	defer stream.Close()
	for {
		if stream.SetDeadline(time.Now().Add(10*time.Second)) != nil {
			return
		}
		var size uint16
		if binary.Read(stream, binary.BigEndian, &size) != nil {
			return
		}
		question := make([]byte, size)
		if _, err := io.ReadFull(stream, question); err != nil {
			return
		}
		answer := known.answer(question, true)
		if answer == nil {
			return
		}
		framed := binary.BigEndian.AppendUint16(nil, uint16(len(answer)))
		if _, err := stream.Write(append(framed, answer...)); err != nil {
			return
		}
	}
}

// answer gives nil for what is no question at all.
func (known *names) answer(message []byte, stream bool) []byte {
	var parser dnsmessage.Parser
	header, err := parser.Start(message)
	if err != nil || header.Response {
		return nil
	}
	question, err := parser.Question()
	if err != nil || parser.SkipAllQuestions() != nil {
		return nil
	}
	reply := dnsmessage.Header{
		ID: header.ID, Response: true, OpCode: header.OpCode, Authoritative: true,
		RecursionDesired: header.RecursionDesired, RecursionAvailable: true,
	}
	if header.OpCode != 0 || question.Class != dnsmessage.ClassINET {
		reply.RCode = dnsmessage.RCodeNotImplemented
		return pack(reply, question, nil)
	}
	wanted, exists := known.resolve(strings.ToLower(question.Name.String()), question.Type)
	if !exists {
		reply.RCode = dnsmessage.RCodeNameError
	}
	packed := pack(reply, question, wanted)
	if limit := sizeLimit(&parser); !stream && len(packed) > limit {
		reply.Truncated = true
		return pack(reply, question, nil)
	}
	return packed
}

// resolve gives the records of a kind, in any order, with the aliases that lead to them before them.
func (known *names) resolve(name string, kind dnsmessage.Type) ([]entry, bool) {
	var aliases []entry
	owner := ""
	// Aliases may lead in a circle.
	for range 8 {
		records, exists := known.find(name)
		next := ""
		var wanted []entry
		for _, found := range records {
			found.owner = owner
			if found.kind == kind || kind == dnsmessage.TypeALL {
				wanted = append(wanted, found)
			} else if found.kind == dnsmessage.TypeCNAME {
				aliases = append(aliases, found)
				next = found.target
			}
		}
		if next == "" {
			rand.Shuffle(len(wanted), func(one, other int) { wanted[one], wanted[other] = wanted[other], wanted[one] })
			return append(aliases, wanted...), exists || len(aliases) > 0
		}
		owner, name = next, next
	}
	return aliases, true
}

// sizeLimit is how long an answer over UDP may be: 512 bytes unless the client says that it takes more.
func sizeLimit(parser *dnsmessage.Parser) int {
	limit := 512
	if parser.SkipAllAnswers() != nil || parser.SkipAllAuthorities() != nil {
		return limit
	}
	for {
		header, err := parser.AdditionalHeader()
		if err != nil {
			return limit
		}
		if header.Type == dnsmessage.TypeOPT {
			return max(limit, min(int(header.Class), 1232))
		}
		if parser.SkipAdditional() != nil {
			return limit
		}
	}
}

func pack(header dnsmessage.Header, question dnsmessage.Question, records []entry) []byte {
	message := dnsmessage.Message{Header: header, Questions: []dnsmessage.Question{question}}
	for _, found := range records {
		if packed, err := found.pack(question.Name); err == nil {
			message.Answers = append(message.Answers, packed)
		}
	}
	packed, err := message.Pack()
	if err != nil {
		return nil
	}
	return packed
}

func (found entry) pack(name dnsmessage.Name) (dnsmessage.Resource, error) {
	if found.owner != "" {
		owner, err := dnsmessage.NewName(found.owner)
		if err != nil {
			return dnsmessage.Resource{}, err
		}
		name = owner
	}
	packed := dnsmessage.Resource{Header: dnsmessage.ResourceHeader{
		Name: name, Type: found.kind, Class: dnsmessage.ClassINET, TTL: nameSeconds,
	}}
	if found.kind == dnsmessage.TypeA {
		packed.Body = &dnsmessage.AResource{A: found.address.As4()}
		return packed, nil
	}
	if found.kind == dnsmessage.TypeAAAA {
		packed.Body = &dnsmessage.AAAAResource{AAAA: found.address.As16()}
		return packed, nil
	}
	target, err := dnsmessage.NewName(found.target)
	switch found.kind {
	case dnsmessage.TypeCNAME:
		packed.Body = &dnsmessage.CNAMEResource{CNAME: target}
	case dnsmessage.TypePTR:
		packed.Body = &dnsmessage.PTRResource{PTR: target}
	case dnsmessage.TypeSRV:
		packed.Body = &dnsmessage.SRVResource{Priority: 0, Weight: 100, Port: found.port, Target: target}
	case dnsmessage.TypeTXT:
		packed.Body = &dnsmessage.TXTResource{TXT: []string{found.target}}
	}
	return packed, err
}

// find gives every record of a name, and whether the name exists at all.
func (known *names) find(name string) ([]entry, bool) {
	if address, ok := reversed(name); ok {
		return known.namesOf(address)
	}
	rest, inside := strings.CutSuffix(name, zone)
	if !inside {
		return nil, false
	}
	labels := strings.Split(strings.TrimSuffix(rest, "."), ".")
	last := len(labels) - 1
	switch labels[last] {
	case "":
		return nil, true
	case "dns-version":
		return []entry{{kind: dnsmessage.TypeTXT, target: "1.1.0"}}, last == 0
	case "svc":
		return known.findService(labels[:last])
	case "pod":
		return findPod(labels[:last])
	}
	return nil, false
}

// findPod answers `10-244-0-7.namespace.pod` with the address that the name spells.
func findPod(labels []string) ([]entry, bool) {
	if len(labels) < 2 {
		return nil, true
	}
	spelled := strings.ReplaceAll(labels[0], "-", ".")
	address, err := netip.ParseAddr(spelled)
	if err != nil {
		address, err = netip.ParseAddr(strings.ReplaceAll(labels[0], "-", ":"))
	}
	if err != nil || len(labels) > 2 {
		return nil, false
	}
	return []entry{addressRecord(address)}, true
}

func addressRecord(address netip.Addr) entry {
	if address.Is4() {
		return entry{kind: dnsmessage.TypeA, address: address}
	}
	return entry{kind: dnsmessage.TypeAAAA, address: address}
}

// findService answers `[HOST.|_PORT._PROTOCOL.]SERVICE.NAMESPACE.svc`.
func (known *names) findService(labels []string) ([]entry, bool) {
	if len(labels) < 2 {
		return nil, len(labels) == 0 || known.hasNamespace(labels[0])
	}
	namespace, name, rest := labels[len(labels)-1], labels[len(labels)-2], labels[:len(labels)-2]
	object, exists, err := known.services.GetByKey(namespace + "/" + name)
	if err != nil || !exists {
		return nil, false
	}
	service, ok := object.(*core.Service)
	if !ok {
		return nil, false
	}
	if service.Spec.Type == core.ServiceTypeExternalName {
		target := strings.TrimSuffix(service.Spec.ExternalName, ".") + "."
		return []entry{{kind: dnsmessage.TypeCNAME, target: target}}, len(rest) == 0
	}
	switch {
	case len(rest) == 0:
		return known.addresses(service), true
	case len(rest) == 2 && strings.HasPrefix(rest[0], "_") && strings.HasPrefix(rest[1], "_"):
		return known.ports(service, rest[0][1:], rest[1][1:])
	case len(rest) == 1 && strings.HasPrefix(rest[0], "_"):
		return nil, true
	case len(rest) == 1 && headless(service):
		return known.host(service, rest[0])
	}
	return nil, false
}

func (known *names) hasNamespace(namespace string) bool {
	objects, err := known.services.ByIndex(cache.NamespaceIndex, namespace)
	return err == nil && len(objects) > 0
}

func headless(service *core.Service) bool { return service.Spec.ClusterIP == core.ClusterIPNone }

func (known *names) addresses(service *core.Service) []entry {
	var records []entry
	if headless(service) {
		for _, place := range known.endpoints(service) {
			records = append(records, addressRecord(place.address))
		}
		return records
	}
	for _, text := range service.Spec.ClusterIPs {
		if address, err := netip.ParseAddr(text); err == nil {
			records = append(records, addressRecord(address))
		}
	}
	return records
}

func (known *names) ports(service *core.Service, port, protocol string) ([]entry, bool) {
	var records []entry
	base := service.Name + "." + service.Namespace + ".svc." + zone
	if !headless(service) {
		for _, offered := range service.Spec.Ports {
			if offered.Name == port && strings.EqualFold(string(offered.Protocol), protocol) {
				records = append(records, entry{kind: dnsmessage.TypeSRV, target: base, port: uint16(offered.Port)})
			}
		}
		return records, len(records) > 0
	}
	for _, place := range known.endpoints(service) {
		for _, offered := range place.ports {
			if offered.Name != nil && *offered.Name == port && offered.Port != nil &&
				offered.Protocol != nil && strings.EqualFold(string(*offered.Protocol), protocol) {
				records = append(records, entry{kind: dnsmessage.TypeSRV, target: place.host + "." + base, port: uint16(*offered.Port)})
			}
		}
	}
	return records, len(records) > 0
}

func (known *names) host(service *core.Service, host string) ([]entry, bool) {
	var records []entry
	for _, place := range known.endpoints(service) {
		if place.host == host {
			records = append(records, addressRecord(place.address))
		}
	}
	return records, len(records) > 0
}

// endpoints are the places that are ready, or of which the service says that it does not matter.
func (known *names) endpoints(service *core.Service) []endpoint {
	objects, err := known.slices.ByIndex(byService, service.Namespace+"/"+service.Name)
	if err != nil {
		return nil
	}
	var found []endpoint
	for _, object := range objects {
		slice, ok := object.(*discovery.EndpointSlice)
		if !ok {
			continue
		}
		for _, place := range slice.Endpoints {
			if place.Conditions.Ready != nil && !*place.Conditions.Ready {
				continue
			}
			for _, text := range place.Addresses {
				if address, err := netip.ParseAddr(text); err == nil {
					found = append(found, endpoint{host: hostOf(place, address), address: address, ports: slice.Ports})
				}
			}
		}
	}
	return found
}

func hostOf(place discovery.Endpoint, address netip.Addr) string {
	if place.Hostname != nil && *place.Hostname != "" {
		return *place.Hostname
	}
	return strings.NewReplacer(".", "-", ":", "-").Replace(address.String())
}

// reversed reads `7.0.244.10.in-addr.arpa.`
func reversed(name string) (netip.Addr, bool) {
	rest, found := strings.CutSuffix(name, ".in-addr.arpa.")
	if !found {
		return netip.Addr{}, false
	}
	parts := strings.Split(rest, ".")
	if len(parts) != 4 {
		return netip.Addr{}, false
	}
	address, err := netip.ParseAddr(parts[3] + "." + parts[2] + "." + parts[1] + "." + parts[0])
	return address, err == nil
}

// namesOf looks through everything: it is asked seldom, and by people.
func (known *names) namesOf(address netip.Addr) ([]entry, bool) {
	var records []entry
	for _, object := range known.services.List() {
		service, ok := object.(*core.Service)
		if !ok {
			continue
		}
		base := service.Name + "." + service.Namespace + ".svc." + zone
		if service.Spec.ClusterIP == address.String() {
			records = append(records, entry{kind: dnsmessage.TypePTR, target: base})
		}
		if !headless(service) {
			continue
		}
		for _, place := range known.endpoints(service) {
			if place.address == address {
				records = append(records, entry{kind: dnsmessage.TypePTR, target: place.host + "." + base})
			}
		}
	}
	return records, len(records) > 0
}
