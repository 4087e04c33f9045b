package compose

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
)

// A listener is what usually listens at a port.
type listener struct {
	port int
	name string
}

// listeners are those that nobody but the services themselves has to reach.
var listeners = []listener{
	{1433, "SQL Server"}, {2379, "etcd"}, {3306, "MySQL"}, {5432, "PostgreSQL"}, {5672, "RabbitMQ"}, {6379, "Redis"}, {7687, "Neo4j"},
	{9042, "Cassandra"}, {9092, "Kafka"}, {9200, "Elasticsearch"}, {11211, "Memcached"}, {27017, "MongoDB"},
}

// ports looks at what is published to whom.
func (s *service) ports() {
	if s.Get("network_mode").Is("host") {
		return
	}
	for _, p := range s.Get("ports").Items() {
		address, target := p.Get("host_ip").Text(), p.Get("target").Text()
		if p.Value != "" {
			address, target = published(p.Value)
		}
		if !everywhere(address) {
			continue
		}
		if i := slices.IndexFunc(listeners, func(l listener) bool { return within(l.port, target) }); i >= 0 {
			s.report(ports, ports.Severity, p, "%s publishes %d, of %s, on all interfaces", s.name, listeners[i].port, listeners[i].name)
		}
	}
}

// published takes apart [address:][port:]port[/protocol]. Of a variable that
// may hold an address, the address is not known.
func published(s string) (address, target string) {
	s, protocol, _ := strings.Cut(s, "/")
	if protocol == "udp" {
		return "", ""
	}
	parts := split(s)
	target = parts[len(parts)-1]
	switch len(parts) {
	case 1:
		return "", target
	case 2:
		if name, instead, _ := strings.Cut(strings.Trim(parts[0], "${}"), ":-"); strings.HasPrefix(parts[0], "$") && !strings.Contains(strings.ToUpper(name), "PORT") && !digits(instead) {
			return parts[0], target
		}
		return "", target
	}
	return strings.Join(parts[:len(parts)-2], ":"), target
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// everywhere tells whether an address is known to be that of all interfaces.
func everywhere(address string) bool {
	return slices.Contains([]string{"", "0.0.0.0", "::", "[::]", "*"}, address)
}

// within tells whether a port is one, or in a range.
func within(port int, target string) bool {
	first, last, ranged := strings.Cut(target, "-")
	from, err := strconv.Atoi(first)
	if err != nil {
		return false
	}
	if !ranged {
		return port == from
	}
	to, err := strconv.Atoi(last)
	return err == nil && from <= port && port <= to
}

// stores are images of what others use.
var stores = []string{"postgres", "postgis", "timescaledb", "pgvector", "mysql", "mariadb", "mongo", "redis", "valkey", "dragonfly", "memcached", "rabbitmq", "kafka", "zookeeper", "elasticsearch", "opensearch", "kibana", "minio", "nats", "cassandra", "clickhouse", "neo4j", "etcd", "adminer", "pgadmin4", "phpmyadmin", "redis-commander", "redisinsight", "qdrant", "mssql"}

// bare tells whether a file has nothing but what an application uses, and
// restarts nothing: the application is run beside it, by whoever works on it.
func bare(d *deploy.Document) bool {
	found := false
	all := true
	d.Root.Get("services").Pairs(func(_, n *deploy.Node) {
		image, _ := deploy.ParseImage(n.Get("image").Text())
		found = true
		all = all && !n.Has("build") && !n.Has("restart") && !n.Has("deploy") &&
			slices.ContainsFunc(stores, func(s string) bool { return strings.Contains(image.Name, s) })
	})
	return found && all
}
