/*
 * What forwarding costs when nothing else is done: the reference that all relays are measured beside.
 *
 * One thread, one UDP socket, up to 64 datagrams in one system call, in and out. A datagram goes to the peers of its
 * sender. No header is read, nothing is kept, nothing is repaired.
 *
 *     relay [gro]
 *
 * gro: the kernel hands over the datagrams of one segmented send together, and they go out together.
 *
 * A datagram whose first byte is not that of a hop frame is the name of a call, which is sent back: whoever has given
 * the same name is in it. The empty name leaves. A name that begins with a byte 0 is a question: the answer is JSON. All
 * of this happens between measurements.
 *
 * All load comes from one host, so that a port says who somebody is.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  /* The first byte of a hop frame is 192 or more, docs/protocol.md. */
  FRAME_FIRST_BYTE_MIN = 192,
  DATAGRAMS = 64,
  /* The largest group of 8, all of whose members send at once. */
  SENDS = DATAGRAMS * 7,
  /* Distance of datagrams in memory: not a power of two, or their headers would compete for the same cache lines. */
  SLOT_BYTES = 2048 + 64,
  /* What the kernel puts together with UDP_GRO is no longer than a datagram may be. */
  SLOT_BYTES_GRO = 65536 + 64,
  NAME_BYTES = 128,
  PORTS = 65536,
  /* Asked for; the kernel's default overflows within a burst. Bytes. */
  KERNEL_BUFFER_BYTES = 4 << 20,
};

struct participant {
  /* Empty: in no call. */
  char call[NAME_BYTES];
  int peer_count;
  struct sockaddr_in *peers;
};

static struct participant participants[PORTS];
static int participant_count;
static unsigned long long packets_out;

static char slots[DATAGRAMS * SLOT_BYTES_GRO];
static struct sockaddr_in senders[DATAGRAMS];
static struct iovec in_parts[DATAGRAMS], out_parts[SENDS];
static struct mmsghdr in[DATAGRAMS], out[SENDS];
/* For the size of the segments: an int from the kernel, a uint16_t to it. */
static union {
  struct cmsghdr aligned;
  char bytes[CMSG_SPACE(sizeof(int))];
} in_control[DATAGRAMS], out_control[SENDS];
static int out_packets[SENDS];
static int out_count;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

/* Everybody's peers anew. */
static void find_peers(void) {
  static int here[PORTS];
  int count = 0;
  for (int port = 0; port < PORTS; port++)
    if (participants[port].call[0] != 0) here[count++] = port;
  participant_count = count;
  for (int i = 0; i < count; i++) {
    struct participant *self = &participants[here[i]];
    self->peer_count = 0;
    self->peers = realloc(self->peers, (size_t)count * sizeof *self->peers);
    if (self->peers == NULL) fail("relay: realloc");
    for (int j = 0; j < count; j++)
      if (j != i && strcmp(self->call, participants[here[j]].call) == 0)
        self->peers[self->peer_count++] = (struct sockaddr_in){
            .sin_family = AF_INET, .sin_port = htons(here[j]), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  }
}

static void handle_control(int fd, const char *datagram, int length, const struct sockaddr_in *from) {
  char answer[NAME_BYTES];
  if (length >= NAME_BYTES) return;
  memcpy(answer, datagram, length);
  if (length > 0 && datagram[0] == 0) {
    length = snprintf(answer, sizeof answer, "{\"packetsOut\":%llu,\"participants\":%d}", packets_out, participant_count);
  } else {
    struct participant *self = &participants[ntohs(from->sin_port)];
    memcpy(self->call, datagram, length);
    self->call[length] = 0;
    self->peer_count = 0;
    find_peers();
  }
  if (sendto(fd, answer, length, 0, (const void *)from, sizeof *from) < 0) perror("relay: sendto");
}

/* Of datagrams that the kernel has put together, the size of each but the last; 0 when it is one. */
static int segment_bytes(struct msghdr *message, int length) {
  for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control != NULL; control = CMSG_NXTHDR(message, control)) {
    int size;
    if (control->cmsg_level != SOL_UDP || control->cmsg_type != UDP_GRO) continue;
    memcpy(&size, CMSG_DATA(control), sizeof size);
    return size < length ? size : 0;
  }
  return 0;
}

static void cut_into(struct msghdr *message, char *control, uint16_t size) {
  message->msg_control = control;
  message->msg_controllen = CMSG_SPACE(sizeof size);
  struct cmsghdr *header = CMSG_FIRSTHDR(message);
  header->cmsg_level = SOL_UDP;
  header->cmsg_type = UDP_SEGMENT;
  header->cmsg_len = CMSG_LEN(sizeof size);
  memcpy(CMSG_DATA(header), &size, sizeof size);
}

/* Sends what is due. A datagram that the kernel refuses is lost, as it would be on any network. */
static void flush(int fd) {
  for (int done = 0; done < out_count;) {
    int sent = sendmmsg(fd, out + done, out_count - done, 0);
    if (sent > 0) done += sent;
    else if (errno != EINTR) packets_out -= out_packets[done++];
  }
  out_count = 0;
}

static void forward(int fd, int i, int may_have_segments) {
  const struct participant *self = &participants[ntohs(senders[i].sin_port)];
  int length = in[i].msg_len;
  int size = may_have_segments ? segment_bytes(&in[i].msg_hdr, length) : 0;
  int packets = size > 0 ? (length + size - 1) / size : 1;
  for (int peer = 0; peer < self->peer_count; peer++) {
    if (out_count == SENDS) flush(fd);
    out_parts[out_count] = (struct iovec){.iov_base = in_parts[i].iov_base, .iov_len = length};
    out_packets[out_count] = packets;
    struct msghdr *message = &out[out_count].msg_hdr;
    message->msg_name = &self->peers[peer];
    message->msg_control = NULL;
    message->msg_controllen = 0;
    if (size > 0) cut_into(message, out_control[out_count].bytes, size);
    out_count++;
    packets_out += packets;
  }
}

static int open_socket(int with_segments) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0), size = KERNEL_BUFFER_BYTES, on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t address_bytes = sizeof address;
  if (fd < 0) fail("relay: socket");
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) < 0) fail("relay: SO_RCVBUF");
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size) < 0) fail("relay: SO_SNDBUF");
  if (with_segments && setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on) < 0) fail("relay: UDP_GRO");
  if (bind(fd, (void *)&address, sizeof address) < 0) fail("relay: bind");
  if (getsockname(fd, (void *)&address, &address_bytes) < 0) fail("relay: getsockname");
  printf("{\"port\":%d}\n", ntohs(address.sin_port));
  fflush(stdout);
  return fd;
}

int main(int count, char **arguments) {
  int with_segments = count > 1 && strcmp(arguments[1], "gro") == 0;
  /* No relay is left behind when the benchmark is gone. */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  int fd = open_socket(with_segments), slot_bytes = with_segments ? SLOT_BYTES_GRO : SLOT_BYTES;
  for (int i = 0; i < DATAGRAMS; i++) {
    in_parts[i] = (struct iovec){.iov_base = slots + i * slot_bytes, .iov_len = slot_bytes};
    in[i].msg_hdr = (struct msghdr){.msg_name = &senders[i], .msg_iov = &in_parts[i], .msg_iovlen = 1};
  }
  for (int i = 0; i < SENDS; i++)
    out[i].msg_hdr = (struct msghdr){.msg_namelen = sizeof(struct sockaddr_in), .msg_iov = &out_parts[i], .msg_iovlen = 1};

  for (;;) {
    for (int i = 0; i < DATAGRAMS; i++) {
      in[i].msg_hdr.msg_namelen = sizeof senders[i];
      in[i].msg_hdr.msg_control = with_segments ? in_control[i].bytes : NULL;
      in[i].msg_hdr.msg_controllen = with_segments ? sizeof in_control[i].bytes : 0;
    }
    int received = recvmmsg(fd, in, DATAGRAMS, MSG_WAITFORONE, NULL);
    if (received < 0 && errno != EINTR) fail("relay: recvmmsg");
    for (int i = 0; i < received; i++) {
      const uint8_t *datagram = in_parts[i].iov_base;
      if (in[i].msg_len > 0 && datagram[0] >= FRAME_FIRST_BYTE_MIN) {
        forward(fd, i, with_segments);
        continue;
      }
      /* What is due names peers that this may move. */
      flush(fd);
      handle_control(fd, (const char *)datagram, in[i].msg_len, &senders[i]);
    }
    flush(fd);
  }
}
