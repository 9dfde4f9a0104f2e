import { spawnSync } from "node:child_process"

/** Where a relay listens, and which group its process is of: its own, so that the firewall knows its TCP connections. */
export interface Station {
  readonly host: string
  readonly port: number
  readonly group: number
}

/** What stands in front of relays as one address. */
export const balancerHost = "127.0.3.1"
export const balancerPort = 3478

const run = (command: string, args: ReadonlyArray<string>, input?: string): string => {
  const { error, status, stderr, stdout } = spawnSync(command, args, {
    encoding: "utf8",
    ...(input === undefined ? {} : { input })
  })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`)
  return stdout
}

const nft = (script: string): string => run("nft", ["-f", "-"], script)

/**
 * The loopback interface of this namespace is up, and nobody on it hears that a port is closed: from a process that has
 * died comes nothing but silence. Everything else is added when it is needed, for every rule costs every packet time.
 */
export const open = (): void => {
  run("ip", ["link", "set", "lo", "up"])
  nft(`
    table ip silence {
      chain output { type filter hook output priority 0; icmp type destination-unreachable drop; }
    }
  `)
}

/** Relays listen here, and nobody else. */
const stationHosts = "127.0.1.0/24"

/**
 * From now on a TCP connection between relays is marked with the group of whoever has opened it: the address of all of them
 * is 127.0.0.1. Those that are open are marked with their next packet.
 */
export const mark = (stations: ReadonlyArray<Station>): void => {
  const rules = stations.map(
    ({ group }) => `meta l4proto tcp ip daddr ${stationHosts} meta skgid ${group} ct mark 0 ct mark set ${group}`
  )
  nft(`
    table ip partition {
      chain owners { type filter hook output priority -10; ${rules.join("; ")}; }
      chain output { type filter hook output priority 0; }
    }
  `)
}

/** Nothing of one reaches the other, by UDP or TCP, whoever has opened the connection. They are marked. */
export const part = (a: Station, b: Station): void => {
  const udp = (from: Station, to: Station) => `ip saddr ${from.host} udp sport ${from.port} ip daddr ${to.host} drop`
  const tcp = (opener: Station, other: Station) => [
    `ct mark ${opener.group} ip daddr ${other.host} drop`,
    `ct mark ${opener.group} ip saddr ${other.host} drop`
  ]
  const rules = [udp(a, b), udp(b, a), ...tcp(a, b), ...tcp(b, a)]
  nft(rules.map((rule) => `add rule ip partition output ${rule}`).join("\n"))
}

/** Takes the table away, if it is there. */
const remove = (table: string): void => void nft(`add table ip ${table}\ndelete table ip ${table}`)

/** Nobody is parted from anybody, and nothing is marked any more. */
export const heal = (): void => remove("partition")

const devices = "127.0.2.0/24"

/** This share of what devices send and receive is lost; and everything of those that `burst` names. */
export const lose = (lossRatio: number): void => {
  const lost = `numgen random mod 1000 < ${Math.round(lossRatio * 1000)} drop`
  nft(`
    table ip loss {
      set burst { type ipv4_addr; flags timeout; }
      chain output {
        type filter hook output priority 0;
        ip saddr @burst drop
        ip daddr @burst drop
        ip saddr ${devices} ${lost}
        ip daddr ${devices} ${lost}
      }
    }
  `)
}

/** Nothing goes to or from these devices, until the time is over. */
export const burst = (hosts: ReadonlyArray<string>, lengthMs: number): void => {
  const elements = hosts.map((host) => `${host} timeout ${lengthMs}ms`).join(", ")
  if (hosts.length > 0) nft(`add element ip loss burst { ${elements} }`)
}

export const loseNothing = (): void => remove("loss")

/** A device's flow is sent to one of these relays, chosen by its address and port. Flows that are known stay where they are. */
export const balance = (relays: ReadonlyArray<Station>): void => {
  const targets = relays.map(({ host, port }, place) => `${place} : ${host} . ${port}`).join(", ")
  const hash = `jhash ip saddr . udp sport mod ${relays.length} seed 0x5eed`
  nft(`
    add table ip balancer
    add chain ip balancer output { type nat hook output priority -100; }
    flush chain ip balancer output
    add rule ip balancer output ip daddr ${balancerHost} udp dport ${balancerPort} dnat to ${hash} map { ${targets} }
  `)
}

export const balanceNothing = (): void => remove("balancer")

/** Known flows to this relay are forgotten: the next packet of each is sent where the balancer sends it now. */
export const forgetFlowsTo = ({ host }: Station): void => {
  spawnSync("conntrack", ["-D", "-p", "udp", "--reply-src", host])
}

/**
 * Which relay each device's flow is sent to: by the device's address, the relay's. Of a device that has begun anew from
 * another port an older flow is still known: the one counts that will be forgotten last.
 */
export const balancedFlows = (): ReadonlyMap<string, string> => {
  const listed = run("conntrack", ["-L", "-p", "udp", "--orig-dst", balancerHost])
  const flows = [...listed.matchAll(/ 17 (\d+) src=(\S+) dst=\S+ sport=\d+ dport=\d+ .*?src=(\S+) dst=/g)]
  const newestLast = flows.toSorted(([, a], [, b]) => Number(a) - Number(b))
  return new Map(newestLast.map(([, , from, to]) => [from!, to!]))
}
