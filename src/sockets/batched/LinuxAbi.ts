/**
 * What Linux calls things on 64-bit machines (x86-64 and arm64 agree): numbers of <sys/socket.h>, <netinet/in.h>,
 * <linux/udp.h>, <linux/time.h> and <asm-generic/errno.h>, and the layout of the structures that socket calls take. All integers are in
 * the machine's order, which is little-endian on both; only ports and addresses are in network order.
 */

export const AF_INET = 2
export const AF_INET6 = 10
export const SOCK_DGRAM = 2
export const SOCK_NONBLOCK = 0x800
export const SOCK_CLOEXEC = 0x80000

export const SOL_SOCKET = 1
export const SO_SNDBUF = 7
export const SO_RCVBUF = 8
export const SO_RCVTIMEO = 20
export const SO_SNDBUFFORCE = 32
export const SO_RCVBUFFORCE = 33
export const SO_TIMESTAMPNS = 35
export const SO_MEMINFO = 55
export const IPPROTO_IPV6 = 41
export const IPV6_V6ONLY = 26
export const SOL_UDP = 17
export const UDP_SEGMENT = 103
export const UDP_GRO = 104

export const F_SETFL = 4
export const MADV_HUGEPAGE = 14
export const CLOCK_REALTIME = 0

export const MSG_DONTWAIT = 0x40
export const MSG_WAITFORONE = 0x10000
/** Of `msg_flags`: the datagram was longer than the buffers. */
export const MSG_TRUNC = 0x20

export const EPERM = 1
export const EINTR = 4
export const EIO = 5
export const EAGAIN = 11
export const EACCES = 13
export const EINVAL = 22
export const EMSGSIZE = 90
export const EADDRINUSE = 98
export const EADDRNOTAVAIL = 99
export const ENOBUFS = 105
export const ECONNREFUSED = 111

/** `struct mmsghdr`: a `msghdr` and the length that was sent or received. Bytes, and offsets of its fields. */
export const messageBytes = 64
export const messageName = 0
export const messageNameLength = 8
export const messageVectors = 16
export const messageVectorCount = 24
export const messageControl = 32
export const messageControlLength = 40
export const messageFlags = 48
export const messageLength = 56

/** `struct iovec`: an address and a length, 64 bits each. */
export const vectorBytes = 16

/** `struct sockaddr_in6`, the longer of the two: family, port, flow, 16 bytes of address, scope. */
export const nameBytesIpv6 = 28
/** `struct sockaddr_in`: family, port, 4 bytes of address, padding. */
export const nameBytesIpv4 = 16
/** Distance between names in a table. */
export const nameStride = 32

/** `struct cmsghdr` with its padding: length (64 bits), level, type. The data follows. */
export const controlHeaderBytes = 16
/** Room for one control message of an integer. */
export const controlBytes = 24
/** `struct timespec`: seconds and nanoseconds, 64 bits each. */
export const timespecBytes = 16
/** Room for what comes with a received message: when it arrived, and one integer. */
export const receivedControlBytes = controlHeaderBytes + timespecBytes + controlBytes

/** A `struct timespec` at a word. */
export const timespecMs = (words: Uint32Array, at: number): number =>
  (words[at + 1]! * 2 ** 32 + words[at]!) * 1000 + words[at + 2]! / 1_000_000

/** From network order to the machine's and back. */
export const swap16 = (value: number): number => ((value & 0xff) << 8) | (value >>> 8)
export const swap32 = (value: number): number =>
  (((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0
