/*
 * The least that writing one message to many viewers can cost: a process that does nothing but call send(2) on one connection after the
 * other, on one core, and one that reads them all, on another, over TCP on the loopback. No WebSocket, no protocol, no runtime.
 *
 * send VIEWERS BYTES ROUNDS: prints one line of JSON. A round is one message to every viewer, twelve a second.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_PER_SECOND 12
#define READ_BYTES 262144
#define EVENTS 1024

static void must(int holds, const char *what) {
  if (holds) return;
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

static double cpu_seconds(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

static void run_on(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  sched_setaffinity(0, sizeof cores, &cores);
}

static void send_at_once(int socket) {
  int one = 1;
  must(setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0, "TCP_NODELAY");
}

static int by_size(const void *one, const void *other) {
  double difference = *(const double *)one - *(const double *)other;
  return difference < 0 ? -1 : difference > 0;
}

/* Reads until all connections are closed; writes the 50th and the 99th percentile of how late messages were to `report`. */
static void view(const struct sockaddr_in *address, int viewers, int rounds, int report) {
  run_on(1);
  int events = epoll_create1(0);
  for (int i = 0; i < viewers; i++) {
    int viewer = socket(AF_INET, SOCK_STREAM, 0);
    must(connect(viewer, (const struct sockaddr *)address, sizeof *address) == 0, "connect");
    send_at_once(viewer);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = viewer};
    must(epoll_ctl(events, EPOLL_CTL_ADD, viewer, &event) == 0, "epoll_ctl");
  }
  size_t most = (size_t)viewers * rounds, count = 0;
  double *late = malloc(most * sizeof *late);
  static char bytes[READ_BYTES];
  struct epoll_event ready[EVENTS];
  for (int open = viewers; open > 0;) {
    int found = epoll_wait(events, ready, EVENTS, -1);
    for (int i = 0; i < found; i++) {
      if (read(ready[i].data.fd, bytes, sizeof bytes) <= 0) {
        epoll_ctl(events, EPOLL_CTL_DEL, ready[i].data.fd, NULL);
        open--;
      } else if (count < most) {
        double sent_at;
        memcpy(&sent_at, bytes, sizeof sent_at);
        late[count++] = (now() - sent_at) * 1e3;
      }
    }
  }
  qsort(late, count, sizeof *late, by_size);
  double percentiles[2] = {late[count / 2], late[count * 99 / 100]};
  must(write(report, percentiles, sizeof percentiles) == sizeof percentiles, "report");
}

int main(int count, char **words) {
  if (count != 4) {
    fputs("send VIEWERS BYTES ROUNDS\n", stderr);
    return 2;
  }
  int viewers = atoi(words[1]), bytes = atoi(words[2]), rounds = atoi(words[3]);
  must(viewers > 0 && rounds > 0 && bytes >= (int)sizeof(double) && bytes <= READ_BYTES, "numbers");
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0), report[2];
  must(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 4096) == 0, "listen");
  must(getsockname(listener, (struct sockaddr *)&address, &length) == 0 && pipe(report) == 0, "getsockname");
  if (fork() == 0) {
    close(listener);
    view(&address, viewers, rounds, report[1]);
    return 0;
  }
  close(report[1]);
  run_on(0);
  int *sockets = malloc(viewers * sizeof *sockets);
  for (int i = 0; i < viewers; i++) {
    sockets[i] = accept(listener, NULL, NULL);
    must(sockets[i] >= 0, "accept");
    send_at_once(sockets[i]);
  }
  usleep(300000);
  char *message = calloc(1, bytes);
  double cpu = cpu_seconds(), writing = 0, due = now();
  for (int round = 0; round < rounds; round++) {
    double began = now();
    memcpy(message, &began, sizeof began);
    for (int i = 0; i < viewers; i++) must(send(sockets[i], message, bytes, 0) == bytes, "send");
    writing += now() - began;
    due += 1.0 / ROUNDS_PER_SECOND;
    double rest = due - now();
    if (rest > 0) usleep(rest * 1e6);
  }
  cpu = cpu_seconds() - cpu;
  for (int i = 0; i < viewers; i++) close(sockets[i]);
  double late[2] = {0, 0};
  must(read(report[0], late, sizeof late) == sizeof late, "report");
  wait(NULL);
  printf("{\"cpuUsPerWrite\":%.3f,\"passMs\":%.3f,\"p50Ms\":%.3f,\"p99Ms\":%.3f}\n", cpu * 1e6 / viewers / rounds,
         writing * 1e3 / rounds, late[0], late[1]);
  return 0;
}
