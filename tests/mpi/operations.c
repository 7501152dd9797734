/* Every operation of the table over MPI, with other lengths on each rank, empty ones and ones that go in several pieces. */
#include <catena_mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                              \
  do {                                                                                \
    if (!(condition)) {                                                               \
      fprintf(stderr, "rank %d, line %d: %s\n", (int)me, __LINE__, #condition);        \
      MPI_Abort(MPI_COMM_WORLD, 1);                                                   \
    }                                                                                 \
  } while (0)

static unsigned char mark(size_t from, size_t to, size_t i) { return (unsigned char)(31 * from + 7 * to + i + i / 251); }

int main(int argc, char **argv) {
  catena_communicator c;
  size_t me = 0;
  /* Above what one call of MPI takes here (2^28 bytes over all ranks), where an argument asks for it. */
  size_t much = argc > 1 ? (size_t)atol(argv[1]) : 1000;
  MPI_Init(&argc, &argv);
  CHECK(catena_mpi_new(MPI_COMM_WORLD, 60, &c) == MPI_SUCCESS);
  me = c.rank;
  size_t size = c.size, sum = 0;
  size_t *lengths = malloc(size * sizeof *lengths), *back = malloc(size * sizeof *back);
  CHECK(lengths && back);

  for (size_t r = 0; r < size; ++r) sum += lengths[r] = r * much;
  unsigned char *mine = malloc(lengths[me] + 1), *all = malloc(sum + 1);
  CHECK(mine && all);
  for (size_t i = 0; i < lengths[me]; ++i) mine[i] = mark(me, 0, i);
  CHECK(c.allgatherv(c.user, mine, lengths, all) == CATENA_RANKS_DONE);
  for (size_t r = 0, at = 0; r < size; at += lengths[r++])
    for (size_t i = 0; i < lengths[r]; ++i) CHECK(all[at + i] == mark(r, 0, i));
  free(mine);
  free(all);

  /* From r to s: (r + 2 s) times as many. */
  size_t out = 0, in = 0;
  for (size_t r = 0; r < size; ++r) {
    out += lengths[r] = (me + 2 * r) * (much / 4);
    in += back[r] = (r + 2 * me) * (much / 4);
  }
  unsigned char *send = malloc(out + 1), *receive = malloc(in + 1);
  CHECK(send && receive);
  for (size_t s = 0, at = 0; s < size; at += lengths[s++])
    for (size_t i = 0; i < lengths[s]; ++i) send[at + i] = mark(me, s, i);
  CHECK(c.alltoallv(c.user, send, lengths, receive, back) == CATENA_RANKS_DONE);
  for (size_t r = 0, at = 0; r < size; at += back[r++])
    for (size_t i = 0; i < back[r]; ++i) CHECK(receive[at + i] == mark(r, me, i));
  free(send);
  free(receive);

  /* The last rank sends to the one before; the others have nothing to do, and are there in the next operations. */
  size_t to = size > 1 ? size - 2 : 0;
  char word[] = "word", got[sizeof word] = "none";
  memset(lengths, 0, size * sizeof *lengths);
  memset(back, 0, size * sizeof *back);
  if (me == size - 1) lengths[to] = sizeof word;
  if (me == to) back[size - 1] = sizeof word;
  CHECK(c.alltoallv(c.user, word, lengths, got, back) == CATENA_RANKS_DONE && strcmp(got, me == to ? "word" : "none") == 0);

  uint64_t number = me + 1, *numbers = malloc(size * sizeof *numbers);
  for (size_t r = 0; r < size; ++r) lengths[r] = sizeof number;
  CHECK(numbers && c.allgatherv(c.user, &number, lengths, numbers) == CATENA_RANKS_DONE && numbers[size - 1] == size);
  CHECK(numbers && c.allgather(c.user, &number, sizeof number, numbers) == CATENA_RANKS_DONE);
  for (size_t r = 0; r < size; ++r) CHECK(numbers[r] == r + 1);
  for (size_t root = 0; root < size; ++root) {
    char words[6] = "none";
    if (me == root) strcpy(words, "words");
    CHECK(c.broadcast(c.user, root, words, sizeof words) == CATENA_RANKS_DONE && strcmp(words, "words") == 0);
  }
  CHECK(c.barrier(c.user) == CATENA_RANKS_DONE);
  size_t first = 99, count = 99;
  CHECK(catena_communicator_share(&c, 7, &first, &count, NULL) == CATENA_OK && count >= 7 / size && count <= 7 / size + 1);
  free(lengths);
  free(back);
  free(numbers);
  catena_mpi_free(&c);
  if (me == 0) puts("all operations");
  MPI_Finalize();
  return 0;
}
