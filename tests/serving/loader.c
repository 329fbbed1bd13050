/* Draws the samples of an exported model with TensorFlow's C++ loader, as tensorflow_model_server does, without Python.
 *
 * loader FOLDER NUM SEED LABELS RUNS > images
 *
 * RUNS runs of the signature `sample`, all at once, each in a thread of its own, of the seeds SEED, SEED + 1, ...;
 * LABELS are integers with commas between them. The images go to standard output in the order of the seeds, as float32
 * in the machine's byte order. What fails says why on standard error and ends with TensorFlow's code of the error.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"

#define MOST 1024

static _Noreturn void fail(int code, const char *format, ...) {
  va_list values;
  va_start(values, format);
  vfprintf(stderr, format, values);
  va_end(values);
  fputc('\n', stderr);
  fflush(NULL);
  _Exit(code);
}

static void check(TF_Status *status) {
  if (TF_GetCode(status) != TF_OK) fail(TF_GetCode(status), "%s", TF_Message(status));
}

/* The signatures stand in a serialized MetaGraphDef. Of its format this needs fields that are messages or strings. */
typedef struct {
  const uint8_t *at, *end;
} Bytes;

static uint64_t varint(Bytes *from) {
  uint64_t value = 0;
  for (int shift = 0; from->at < from->end && shift < 64; shift += 7) {
    uint8_t byte = *from->at++;
    value |= (uint64_t)(byte & 127) << shift;
    if (byte < 128) break;
  }
  return value;
}

/* The next field of that number, and the message after it. */
static bool next(Bytes *message, unsigned number, Bytes *field) {
  while (message->at < message->end) {
    uint64_t tag = varint(message), kind = tag & 7;
    uint64_t size = kind == 0 ? 0 : kind == 1 ? 8 : kind == 5 ? 4 : varint(message);
    if (kind == 0) varint(message);
    if (size > (uint64_t)(message->end - message->at)) break;
    *field = (Bytes){message->at, message->at + size};
    message->at += size;
    if (kind == 2 && tag >> 3 == number) return true;
  }
  return false;
}

/* The value of a key of a map, which is a repeated field of messages {1: key, 2: value}. */
static Bytes lookup(Bytes message, unsigned number, const char *key) {
  Bytes entry, name, value;
  while (next(&message, number, &entry)) {
    Bytes rest = entry;
    if (!next(&entry, 1, &name) || !next(&rest, 2, &value)) continue;
    if ((size_t)(name.end - name.at) == strlen(key) && !memcmp(name.at, key, strlen(key))) return value;
  }
  fail(TF_INVALID_ARGUMENT, "The model has no '%s'.", key);
}

/* The graph's end of an input or output of a signature: TensorInfo.name, "operation:index". */
static TF_Output end_of(TF_Graph *graph, Bytes signature, unsigned number, const char *key) {
  Bytes info = lookup(signature, number, key), name = {0};
  next(&info, 1, &name);
  char text[256];
  snprintf(text, sizeof text, "%.*s", (int)(name.end - name.at), (const char *)name.at);
  char *colon = strrchr(text, ':');
  if (!colon) fail(TF_INVALID_ARGUMENT, "'%s' of '%s' is no tensor.", text, key);
  *colon = 0;
  TF_Output found = {TF_GraphOperationByName(graph, text), atoi(colon + 1)};
  if (!found.oper) fail(TF_INVALID_ARGUMENT, "The graph has no operation '%s'.", text);
  return found;
}

static TF_Tensor *tensor(TF_DataType type, int64_t length, const void *values) {
  size_t size = TF_DataTypeSize(type) * (length < 0 ? 1 : (size_t)length);
  TF_Tensor *made = TF_AllocateTensor(type, &length, length < 0 ? 0 : 1, size); /* a length below 0: a scalar */
  memcpy(TF_TensorData(made), values, size);
  return made;
}

typedef struct {
  TF_Session *session;
  const TF_Output *ends; /* num, seed, labels, images */
  int32_t num, count;
  const int32_t *labels;
  int64_t seed;
  TF_Tensor *images;
  TF_Status *status;
  pthread_t thread;
} Run;

static void *sample(void *argument) {
  Run *run = argument;
  TF_Tensor *inputs[] = {tensor(TF_INT32, -1, &run->num), tensor(TF_INT64, -1, &run->seed),
                         tensor(TF_INT32, run->count, run->labels)};
  run->status = TF_NewStatus();
  TF_SessionRun(run->session, NULL, run->ends, inputs, 3, run->ends + 3, &run->images, 1, NULL, 0, NULL, run->status);
  for (int i = 0; i < 3; i++) TF_DeleteTensor(inputs[i]);
  return NULL;
}

int main(int count, char **arguments) {
  static int32_t labels[MOST];
  static Run runs[MOST];
  if (count != 6) fail(64, "usage: loader FOLDER NUM SEED LABELS RUNS");
  int32_t known = 0, many = atoi(arguments[5]);
  for (char *each = strtok(arguments[4], ","); each && known < MOST; each = strtok(NULL, ","))
    labels[known++] = atoi(each);
  if (many < 1 || many > MOST) fail(64, "RUNS is %d, expected 1 to %d.", many, MOST);

  const char *tags[] = {"serve"};
  TF_Status *status = TF_NewStatus();
  TF_Graph *graph = TF_NewGraph();
  TF_Buffer *described = TF_NewBuffer();
  TF_SessionOptions *options = TF_NewSessionOptions();
  TF_Session *session =
      TF_LoadSessionFromSavedModel(options, NULL, arguments[1], tags, 1, graph, described, status);
  check(status);
  Bytes meta_graph = {described->data, (const uint8_t *)described->data + described->length};
  Bytes signature = lookup(meta_graph, 5, "sample");
  TF_Output ends[] = {end_of(graph, signature, 1, "num"), end_of(graph, signature, 1, "seed"),
                      end_of(graph, signature, 1, "labels"), end_of(graph, signature, 2, "images")};

  for (int i = 0; i < many; i++) {
    int64_t seed = strtoll(arguments[3], NULL, 10) + i;
    runs[i] = (Run){.session = session, .ends = ends, .num = atoi(arguments[2]), .count = known, .labels = labels,
                    .seed = seed};
    if (pthread_create(&runs[i].thread, NULL, sample, &runs[i])) fail(TF_RESOURCE_EXHAUSTED, "No more threads.");
  }
  for (int i = 0; i < many; i++) pthread_join(runs[i].thread, NULL);
  for (int i = 0; i < many; i++) {
    check(runs[i].status);
    fwrite(TF_TensorData(runs[i].images), 1, TF_TensorByteSize(runs[i].images), stdout);
    TF_DeleteTensor(runs[i].images);
    TF_DeleteStatus(runs[i].status);
  }

  TF_CloseSession(session, status);
  check(status);
  TF_DeleteSession(session, status);
  TF_DeleteSessionOptions(options);
  TF_DeleteBuffer(described);
  TF_DeleteGraph(graph);
  TF_DeleteStatus(status);
  return fclose(stdout) ? TF_DATA_LOSS : TF_OK;
}
