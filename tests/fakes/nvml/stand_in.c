/* A stand-in for libnvidia-ml.so.1. Built and steered by ../nvml_stand_in.py, whose docstring says how.
 *
 * It serves what the state file named by SENTINEL_FAKE_NVML says. The file is read again whenever its
 * inode, size or mtime differ at the next call; the writer replaces it whole, so it is never half there.
 * A line is a word and its values; a device's lines follow its `device` line:
 *
 *   driver_version TEXT      cuda_version NUMBER       init_error CODE      error FUNCTION CODE
 *   delay_ms NUMBER          name PID TEXT             event SEQ DEVICE TYPE DATA
 *   device UUID ADDRESS NAME...
 *   memory TOTAL RESERVED USED FREE  (bytes; USED "auto": what the processes listed hold)
 *   gauge UTILIZATION TEMPERATURE MILLIWATTS LIMIT FAN MIG  (MIG 0, 1, or -1 for not supported)
 *   fails FUNCTION CODE              (for calls on this device; FUNCTION "*" is every one)
 *   slice UUID GI CI TOTAL USED NAME...
 *   process LETTERS PID BYTES GI CI WHILE_ALIVE SM MEMORY SEEN
 *       (BYTES -1: not available; GI -1: not on a slice; SM -1: not busy, -2: never the same; SEEN in microseconds, 0: now)
 *   sensor NAME VALUE                (see SENSORS below; one that is not given is not supported)
 *   serial TEXT      vbios TEXT
 *   link ACTIVE VERSION REPLAY RECOVERY FLIT DATA   (an NVLink; -1: not supported)
 *   reaches DEVICE                   (by NVLink; directly or through a switch)
 */
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_DEVICES 64
#define MAX_SLICES 8
#define MAX_PROCESSES 512
#define MAX_FAILS 128
#define MAX_EVENTS 256
#define MAX_LINKS 18

/* Each is what one function, or one kind of what it is asked for, answers. */
#define SENSORS X(pstate) X(clock_graphics) X(clock_sm) X(clock_memory) X(clock_video) \
    X(max_clock_graphics) X(max_clock_sm) X(max_clock_memory) X(max_clock_video) X(throttle) \
    X(encoder) X(decoder) X(memory_temperature) X(shutdown_temperature) X(slowdown_temperature) X(margin) \
    X(fans) X(power_instant) X(power_average) X(default_limit) X(min_limit) X(max_limit) X(energy) \
    X(ecc_mode) X(ecc_corrected_volatile) X(ecc_uncorrected_volatile) X(ecc_corrected_aggregate) \
    X(ecc_uncorrected_aggregate) X(retired_single) X(retired_double) X(retired_pending) \
    X(remapped_correctable) X(remapped_uncorrectable) X(remapped_pending) X(remapped_failure) \
    X(pcie_generation) X(pcie_max_generation) X(pcie_width) X(pcie_max_width) X(pcie_replay) X(pcie_sent) \
    X(pcie_received) X(bar1_total) X(bar1_used) X(persistence) X(compute_mode) X(brand) \
    X(throttled_power) X(throttled_sync) X(throttled_sw_thermal) X(throttled_hw_thermal) X(throttled_brake) \
    X(process_utilization)

enum { OK = 0, UNINITIALIZED = 1, INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, TOO_SMALL = 7,
       NOT_LOADED = 9, TIMEOUT = 10, LOST = 15 };

typedef unsigned long long u64;
#define X(name) S_##name,
enum { SENSORS SENSOR_COUNT };
#undef X
#define X(name) #name,
static const char *const sensor_names[] = { SENSORS };
#undef X
typedef struct { long long active, version, error[4]; } Link;
typedef struct { char uuid[96], name[96]; unsigned gi, ci; u64 total, used; } Slice;
typedef struct { char letters[8]; unsigned pid; long long bytes; int gi, ci, while_alive, sm, memory; u64 seen; } Process;
typedef struct { char function[80]; int code; } Fail;
typedef struct {
    char uuid[96], address[32], name[96];
    u64 total, reserved, used, free;
    int used_auto, utilization, temperature, milliwatts, limit, fan, mig;
    int slices, processes, fails;
    Slice slice[MAX_SLICES];
    Process process[MAX_PROCESSES];
    Fail fail[MAX_FAILS];
    char serial[32], vbios[32], has[SENSOR_COUNT];
    long long sensor[SENSOR_COUNT];
    int links;
    Link link[MAX_LINKS];
    char reaches[MAX_DEVICES];
} Device;
typedef struct { u64 seq, type, data; int device; } Event;
typedef struct { unsigned pid; char name[256]; } Name;
typedef struct {
    char driver_version[80];
    int cuda_version, init_error, delay_ms, devices, fails, events, names;
    Fail fail[MAX_FAILS];
    Event event[MAX_EVENTS];
    Name name[MAX_PROCESSES];
    Device device[MAX_DEVICES];
} State;

/* A handle stays the same pointer whatever the state says: it is a place, not a card. */
typedef struct { int device, slice; } Handle;
typedef struct { u64 seen, types[MAX_DEVICES]; } EventSet;

static State state;
static Handle handles[MAX_DEVICES][MAX_SLICES + 1];
static int initialised;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct stat read_as;

static int line_of_device(Device *d, const char *word, const char *rest) {
    char used[32];
    int at = 0;
    if (!strcmp(word, "memory")) {
        if (sscanf(rest, "%llu %llu %31s %llu", &d->total, &d->reserved, used, &d->free) < 3) return 0;
        d->used_auto = !strcmp(used, "auto");
        d->used = strtoull(used, NULL, 10);
    } else if (!strcmp(word, "gauge")) {
        sscanf(rest, "%d %d %d %d %d %d", &d->utilization, &d->temperature, &d->milliwatts, &d->limit,
               &d->fan, &d->mig);
    } else if (!strcmp(word, "fails") && d->fails < MAX_FAILS) {
        Fail *f = &d->fail[d->fails++];
        sscanf(rest, "%79s %d", f->function, &f->code);
    } else if (!strcmp(word, "slice") && d->slices < MAX_SLICES) {
        Slice *s = &d->slice[d->slices++];
        sscanf(rest, "%95s %u %u %llu %llu %n", s->uuid, &s->gi, &s->ci, &s->total, &s->used, &at);
        snprintf(s->name, sizeof s->name, "%s", rest + at);
    } else if (!strcmp(word, "process") && d->processes < MAX_PROCESSES) {
        Process *p = &d->process[d->processes++];
        p->sm = -1;
        sscanf(rest, "%7s %u %lld %d %d %d %d %d %llu", p->letters, &p->pid, &p->bytes, &p->gi, &p->ci,
               &p->while_alive, &p->sm, &p->memory, &p->seen);
    } else if (!strcmp(word, "sensor")) {
        char name[64];
        long long value;
        if (sscanf(rest, "%63s %lld", name, &value) != 2) return 0;
        for (int i = 0; i < SENSOR_COUNT; i++)
            if (!strcmp(sensor_names[i], name)) { d->has[i] = 1; d->sensor[i] = value; }
    } else if (!strcmp(word, "serial")) snprintf(d->serial, sizeof d->serial, "%s", rest);
    else if (!strcmp(word, "vbios")) snprintf(d->vbios, sizeof d->vbios, "%s", rest);
    else if (!strcmp(word, "link") && d->links < MAX_LINKS) {
        Link *l = &d->link[d->links++];
        sscanf(rest, "%lld %lld %lld %lld %lld %lld", &l->active, &l->version, &l->error[0], &l->error[1],
               &l->error[2], &l->error[3]);
    } else if (!strcmp(word, "reaches")) d->reaches[atoi(rest) % MAX_DEVICES] = 1;
    else return 0;
    return 1;
}

static void line_of_state(const char *word, const char *rest) {
    int at = 0;
    if (!strcmp(word, "driver_version")) snprintf(state.driver_version, sizeof state.driver_version, "%s", rest);
    else if (!strcmp(word, "cuda_version")) state.cuda_version = atoi(rest);
    else if (!strcmp(word, "init_error")) state.init_error = atoi(rest);
    else if (!strcmp(word, "delay_ms")) state.delay_ms = atoi(rest);
    else if (!strcmp(word, "error") && state.fails < MAX_FAILS) {
        Fail *f = &state.fail[state.fails++];
        sscanf(rest, "%79s %d", f->function, &f->code);
    } else if (!strcmp(word, "event") && state.events < MAX_EVENTS) {
        Event *e = &state.event[state.events++];
        sscanf(rest, "%llu %d %llu %llu", &e->seq, &e->device, &e->type, &e->data);
    } else if (!strcmp(word, "name") && state.names < MAX_PROCESSES) {
        Name *n = &state.name[state.names++];
        sscanf(rest, "%u %n", &n->pid, &at);
        snprintf(n->name, sizeof n->name, "%s", rest + at);
    } else if (!strcmp(word, "device") && state.devices < MAX_DEVICES) {
        Device *d = &state.device[state.devices++];
        memset(d, 0, sizeof *d);
        sscanf(rest, "%95s %31s %n", d->uuid, d->address, &at);
        snprintf(d->name, sizeof d->name, "%s", rest + at);
    }
}

static void load(void) {
    const char *path = getenv("SENTINEL_FAKE_NVML");
    struct stat now;
    if (!path || stat(path, &now)) {
        memset(&read_as, 0, sizeof read_as);
        memset(&state, 0, offsetof(State, device));
        state.init_error = NOT_LOADED;
        return;
    }
    if (now.st_ino == read_as.st_ino && now.st_size == read_as.st_size &&
        now.st_mtim.tv_sec == read_as.st_mtim.tv_sec && now.st_mtim.tv_nsec == read_as.st_mtim.tv_nsec)
        return;
    FILE *file = fopen(path, "r");
    if (!file) return;
    memset(&state, 0, offsetof(State, device));
    char line[1024], word[64];
    while (fgets(line, sizeof line, file)) {
        int at = 0;
        line[strcspn(line, "\n")] = 0;
        if (sscanf(line, "%63s %n", word, &at) != 1) continue;
        Device *d = state.devices ? &state.device[state.devices - 1] : NULL;
        if (!d || !line_of_device(d, word, line + at)) line_of_state(word, line + at);
    }
    fclose(file);
    read_as = now;
}

static int failing(const Fail *fail, int count, const char *function) {
    for (int i = 0; i < count; i++)
        if (!strcmp(fail[i].function, function) || !strcmp(fail[i].function, "*")) return fail[i].code;
    return OK;
}

static int begin(const char *function) {
    load();
    if (state.delay_ms) usleep(state.delay_ms * 1000);
    int code = failing(state.fail, state.fails, function);
    return code ? code : initialised ? OK : UNINITIALIZED;
}

static int begin_on(const char *function, Handle *handle, Device **device, Slice **slice) {
    int code = begin(function);
    if (code) return code;
    if (handle < &handles[0][0] || handle > &handles[MAX_DEVICES - 1][MAX_SLICES]) return INVALID;
    if (handle->device >= state.devices) return LOST;
    *device = &state.device[handle->device];
    if (handle->slice >= (*device)->slices) return NOT_FOUND;
    *slice = handle->slice < 0 ? NULL : &(*device)->slice[handle->slice];
    return failing((*device)->fail, (*device)->fails, function);
}

#define EXPORT __attribute__((visibility("default")))
#define ON(handle) Device *d = NULL; Slice *s = NULL; pthread_mutex_lock(&lock); \
    int code = begin_on(__func__, handle, &d, &s); (void)d; (void)s
#define SYSTEM pthread_mutex_lock(&lock); int code = begin(__func__)
#define DONE pthread_mutex_unlock(&lock); return code

static int init(const char *function) {
    pthread_mutex_lock(&lock);
    load();
    int code = failing(state.fail, state.fails, function);
    if (!code) code = state.init_error;
    if (!code) {
        initialised++;
        for (int i = 0; i < MAX_DEVICES; i++)
            for (int j = 0; j <= MAX_SLICES; j++) handles[i][j] = (Handle){i, j - 1};
    }
    DONE;
}
EXPORT int nvmlInitWithFlags(unsigned flags) { (void)flags; return init(__func__); }
EXPORT int nvmlInit_v2(void) { return init(__func__); }
EXPORT int nvmlInit(void) { return init(__func__); }
EXPORT int nvmlShutdown(void) { SYSTEM; if (!code) initialised--; DONE; }

EXPORT const char *nvmlErrorString(int code) {
    switch (code) {
    case OK: return "Success";
    case UNINITIALIZED: return "Uninitialized";
    case NOT_SUPPORTED: return "Not Supported";
    case LOST: return "GPU is lost";
    default: return "Unknown Error";
    }
}

static int text(int code, const char *from, char *to, unsigned size) {
    if (code) return code;
    if (strlen(from) + 1 > size) return TOO_SMALL;
    strcpy(to, from);
    return OK;
}
EXPORT int nvmlSystemGetDriverVersion(char *to, unsigned n) { SYSTEM; code = text(code, state.driver_version, to, n); DONE; }
EXPORT int nvmlSystemGetNVMLVersion(char *to, unsigned n) { SYSTEM; code = text(code, "12.stand-in", to, n); DONE; }
EXPORT int nvmlSystemGetCudaDriverVersion(int *to) { SYSTEM; if (!code) *to = state.cuda_version; DONE; }
EXPORT int nvmlSystemGetCudaDriverVersion_v2(int *to) { SYSTEM; if (!code) *to = state.cuda_version; DONE; }
EXPORT int nvmlSystemGetProcessName(unsigned pid, char *to, unsigned n) {
    SYSTEM;
    int found = NOT_FOUND;
    for (int i = 0; !code && i < state.names; i++)
        if (state.name[i].pid == pid) found = text(OK, state.name[i].name, to, n);
    if (!code) code = found;
    DONE;
}

EXPORT int nvmlDeviceGetCount_v2(unsigned *to) { SYSTEM; if (!code) *to = state.devices; DONE; }
EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned index, Handle **to) {
    SYSTEM;
    if (!code && index >= (unsigned)state.devices) code = INVALID;
    if (!code) code = failing(state.device[index].fail, state.device[index].fails, __func__);
    if (!code) *to = &handles[index][0];
    DONE;
}
static int find(const char *function, const char *wanted, int by_uuid, Handle **to) {
    pthread_mutex_lock(&lock);
    int code = begin(function);
    if (!code) {
        code = NOT_FOUND;
        for (int i = 0; i < state.devices; i++) {
            Device *d = &state.device[i];
            if (!strcasecmp(by_uuid ? d->uuid : d->address, wanted)) { *to = &handles[i][0]; code = OK; }
            for (int j = 0; by_uuid && j < d->slices; j++)
                if (!strcasecmp(d->slice[j].uuid, wanted)) { *to = &handles[i][j + 1]; code = OK; }
        }
    }
    DONE;
}
EXPORT int nvmlDeviceGetHandleByUUID(const char *uuid, Handle **to) { return find(__func__, uuid, 1, to); }
EXPORT int nvmlDeviceGetHandleByPciBusId_v2(const char *id, Handle **to) { return find(__func__, id, 0, to); }
EXPORT int nvmlDeviceGetIndex(Handle *h, unsigned *to) { ON(h); if (!code) *to = h->device; DONE; }
EXPORT int nvmlDeviceGetMinorNumber(Handle *h, unsigned *to) { ON(h); if (!code) *to = h->device; DONE; }
EXPORT int nvmlDeviceGetUUID(Handle *h, char *to, unsigned n) { ON(h); if (!code) code = text(0, s ? s->uuid : d->uuid, to, n); DONE; }
EXPORT int nvmlDeviceGetName(Handle *h, char *to, unsigned n) { ON(h); if (!code) code = text(0, s ? s->name : d->name, to, n); DONE; }

typedef struct { char legacy[16]; unsigned domain, bus, device, id, subsystem; char address[32]; } PciInfo;
EXPORT int nvmlDeviceGetPciInfo_v3(Handle *h, PciInfo *to) {
    ON(h);
    if (!code) {
        memset(to, 0, sizeof *to);
        sscanf(d->address, "%x:%x:%x", &to->domain, &to->bus, &to->device);
        snprintf(to->address, sizeof to->address, "%s", d->address);
        snprintf(to->legacy, sizeof to->legacy, "%04X:%02X:%02X.0", to->domain & 0xffff, to->bus & 0xff, to->device & 0xff);
    }
    DONE;
}

static int listed(const Process *p, const Slice *s, char letter) {
    if (letter && !strchr(p->letters, letter)) return 0;
    if (s && (p->gi != (int)s->gi || p->ci != (int)s->ci)) return 0;
    if (!p->while_alive) return 1;
    char path[64], what = 0;
    snprintf(path, sizeof path, "/proc/%u/stat", p->pid);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    if (fscanf(file, "%*d (%*[^)]) %c", &what) != 1) what = 0;
    fclose(file);
    return what != 'Z' && what != 'X';
}
static u64 used(const Device *d, const Slice *s) {
    if (s) return s->used;
    if (!d->used_auto) return d->used;
    u64 sum = 0;
    for (int i = 0; i < d->processes; i++)
        if (d->process[i].bytes > 0 && listed(&d->process[i], NULL, 0)) sum += d->process[i].bytes;
    return sum;
}
static u64 left(const Device *d, const Slice *s) {
    u64 total = s ? s->total : d->total, gone = used(d, s) + (s ? 0 : d->reserved);
    if (!s && !d->used_auto && d->free) return d->free;
    return gone > total ? 0 : total - gone;
}
typedef struct { u64 total, free, used; } Memory;
typedef struct { unsigned version; u64 total, reserved, free, used; } Memory2;
EXPORT int nvmlDeviceGetMemoryInfo(Handle *h, Memory *to) {
    ON(h);
    if (!code) *to = (Memory){s ? s->total : d->total, left(d, s), used(d, s) + (s ? 0 : d->reserved)};
    DONE;
}
EXPORT int nvmlDeviceGetMemoryInfo_v2(Handle *h, Memory2 *to) {
    ON(h);
    if (!code) *to = (Memory2){to->version, s ? s->total : d->total, s ? 0 : d->reserved, left(d, s), used(d, s)};
    DONE;
}

typedef struct { unsigned gpu, memory; } Utilization;
EXPORT int nvmlDeviceGetUtilizationRates(Handle *h, Utilization *to) {
    ON(h);
    if (!code && d->mig > 0) code = NOT_SUPPORTED;
    if (!code) *to = (Utilization){d->utilization, d->utilization / 2};
    DONE;
}
EXPORT int nvmlDeviceGetTemperature(Handle *h, int sensor, unsigned *to) { ON(h); (void)sensor; if (!code) *to = d->temperature; DONE; }
EXPORT int nvmlDeviceGetPowerUsage(Handle *h, unsigned *to) { ON(h); if (!code) *to = d->milliwatts; DONE; }
EXPORT int nvmlDeviceGetEnforcedPowerLimit(Handle *h, unsigned *to) { ON(h); if (!code) *to = d->limit; DONE; }
EXPORT int nvmlDeviceGetPowerManagementLimit(Handle *h, unsigned *to) { ON(h); if (!code) *to = d->limit; DONE; }
EXPORT int nvmlDeviceGetFanSpeed(Handle *h, unsigned *to) { ON(h); if (!code) *to = d->fan; DONE; }

static int ask(int code, const Device *d, const Slice *s, int which, long long *to) {
    if (code) return code;
    if (s || which < 0 || which >= SENSOR_COUNT || !d->has[which]) return NOT_SUPPORTED;
    *to = d->sensor[which];
    return OK;
}
#define ANSWER(which) long long v = 0; code = ask(code, d, s, which, &v); if (!code) *to = v; DONE
#define SENSOR(name, which) EXPORT int name(Handle *h, unsigned *to) { ON(h); ANSWER(which); }
#define SENSOR64(name, which) EXPORT int name(Handle *h, u64 *to) { ON(h); ANSWER(which); }
SENSOR(nvmlDeviceGetPerformanceState, S_pstate)
SENSOR64(nvmlDeviceGetCurrentClocksEventReasons, S_throttle)
SENSOR64(nvmlDeviceGetCurrentClocksThrottleReasons, S_throttle)
SENSOR64(nvmlDeviceGetTotalEnergyConsumption, S_energy)
SENSOR(nvmlDeviceGetPowerManagementDefaultLimit, S_default_limit)
SENSOR(nvmlDeviceGetRetiredPagesPendingStatus, S_retired_pending)
SENSOR(nvmlDeviceGetCurrPcieLinkGeneration, S_pcie_generation)
SENSOR(nvmlDeviceGetMaxPcieLinkGeneration, S_pcie_max_generation)
SENSOR(nvmlDeviceGetCurrPcieLinkWidth, S_pcie_width)
SENSOR(nvmlDeviceGetMaxPcieLinkWidth, S_pcie_max_width)
SENSOR(nvmlDeviceGetPcieReplayCounter, S_pcie_replay)
SENSOR(nvmlDeviceGetNumFans, S_fans)
SENSOR(nvmlDeviceGetPersistenceMode, S_persistence)
SENSOR(nvmlDeviceGetComputeMode, S_compute_mode)
SENSOR(nvmlDeviceGetBrand, S_brand)
EXPORT int nvmlDeviceGetClockInfo(Handle *h, int type, unsigned *to) { ON(h); ANSWER(S_clock_graphics + type); }
EXPORT int nvmlDeviceGetMaxClockInfo(Handle *h, int type, unsigned *to) { ON(h); ANSWER(S_max_clock_graphics + type); }
EXPORT int nvmlDeviceGetTemperatureThreshold(Handle *h, int type, unsigned *to) {
    ON(h);
    if (!code && type > 1) code = NOT_SUPPORTED;
    ANSWER(S_shutdown_temperature + type);
}
EXPORT int nvmlDeviceGetPcieThroughput(Handle *h, int type, unsigned *to) { ON(h); ANSWER(S_pcie_sent + type); }
EXPORT int nvmlDeviceGetEncoderUtilization(Handle *h, unsigned *to, unsigned *period) { ON(h); *period = 167000; ANSWER(S_encoder); }
EXPORT int nvmlDeviceGetDecoderUtilization(Handle *h, unsigned *to, unsigned *period) { ON(h); *period = 167000; ANSWER(S_decoder); }
EXPORT int nvmlDeviceGetEccMode(Handle *h, unsigned *to, unsigned *pending) { ON(h); *pending = 0; ANSWER(S_ecc_mode); }
EXPORT int nvmlDeviceGetTotalEccErrors(Handle *h, int type, int lifetime, u64 *to) { ON(h); ANSWER(S_ecc_corrected_volatile + type + 2 * lifetime); }
EXPORT int nvmlDeviceGetFanSpeed_v2(Handle *h, unsigned fan, unsigned *to) {
    ON(h);
    long long fans = 0;
    code = ask(code, d, s, S_fans, &fans);
    if (!code && fan >= fans) code = INVALID;
    if (!code) *to = d->fan + fan;
    DONE;
}
EXPORT int nvmlDeviceGetPowerManagementLimitConstraints(Handle *h, unsigned *least, unsigned *most) {
    ON(h);
    long long a = 0, b = 0;
    code = ask(code, d, s, S_min_limit, &a);
    code = ask(code, d, s, S_max_limit, &b);
    if (!code) { *least = a; *most = b; }
    DONE;
}
EXPORT int nvmlDeviceGetRetiredPages(Handle *h, int cause, unsigned *count, u64 *to) {
    ON(h);
    long long v = 0;
    unsigned room = to ? *count : 0;
    code = ask(code, d, s, S_retired_single + cause, &v);
    if (!code) { *count = v; if (v > room) code = TOO_SMALL; }
    for (unsigned i = 0; !code && i < v; i++) to[i] = 0x1000 * i;
    DONE;
}
EXPORT int nvmlDeviceGetRemappedRows(Handle *h, unsigned *corrected, unsigned *not_corrected, unsigned *pending, unsigned *failed) {
    ON(h);
    unsigned *to[] = {corrected, not_corrected, pending, failed};
    for (int i = 0; i < 4; i++) {
        long long v = 0;
        code = ask(code, d, s, S_remapped_correctable + i, &v);
        if (!code) *to[i] = v;
    }
    DONE;
}
typedef struct { unsigned version; int celsius; } Margin;
EXPORT int nvmlDeviceGetMarginTemperature(Handle *h, Margin *margin) { ON(h); int *to = &margin->celsius; ANSWER(S_margin); }
typedef struct { u64 total, free, used; } Bar1;
EXPORT int nvmlDeviceGetBAR1MemoryInfo(Handle *h, Bar1 *to) {
    ON(h);
    long long total = 0, taken = 0;
    code = ask(code, d, s, S_bar1_total, &total);
    code = ask(code, d, s, S_bar1_used, &taken);
    if (!code) *to = (Bar1){total, total - taken, taken};
    DONE;
}
EXPORT int nvmlDeviceGetSerial(Handle *h, char *to, unsigned n) { ON(h); if (!code) code = *d->serial ? text(0, d->serial, to, n) : NOT_SUPPORTED; DONE; }
EXPORT int nvmlDeviceGetVbiosVersion(Handle *h, char *to, unsigned n) { ON(h); if (!code) code = *d->vbios ? text(0, d->vbios, to, n) : NOT_SUPPORTED; DONE; }
static int on_link(int code, const Device *d, unsigned link, long long value, u64 *to) {
    if (!code && link >= (unsigned)d->links) code = INVALID;
    if (!code && value < 0) code = NOT_SUPPORTED;
    if (!code) *to = value;
    return code;
}
EXPORT int nvmlDeviceGetNvLinkState(Handle *h, unsigned link, unsigned *to) { ON(h); u64 v = 0; code = on_link(code, d, link, d->link[link % MAX_LINKS].active, &v); if (!code) *to = v; DONE; }
EXPORT int nvmlDeviceGetNvLinkVersion(Handle *h, unsigned link, unsigned *to) { ON(h); u64 v = 0; code = on_link(code, d, link, d->link[link % MAX_LINKS].version, &v); if (!code) *to = v; DONE; }
EXPORT int nvmlDeviceGetNvLinkErrorCounter(Handle *h, unsigned link, unsigned kind, u64 *to) {
    ON(h);
    if (!code && kind > 3) code = NOT_SUPPORTED;
    code = on_link(code, d, link, d->link[link % MAX_LINKS].error[kind & 3], to);
    DONE;
}
EXPORT int nvmlDeviceGetP2PStatus(Handle *h, Handle *other, unsigned by, unsigned *to) {
    ON(h);
    if (!code) *to = by == 2 && d->reaches[other->device % MAX_DEVICES] ? 0 : 5;
    DONE;
}

typedef struct { unsigned field, scope; long long at, latency; int type, code; union { u64 whole; double real; } value; } FieldValue;
static int sensor_of(unsigned field) {
    switch (field) {
    case 74: return S_throttled_power;
    case 76: return S_throttled_sync;
    case 82: return S_memory_temperature;
    case 83: return S_energy;
    case 185: return S_power_average;
    case 186: return S_power_instant;
    case 269: return S_throttled_sw_thermal;
    case 270: return S_throttled_hw_thermal;
    case 271: return S_throttled_brake;
    default: return -1;
    }
}
EXPORT int nvmlDeviceGetFieldValues(Handle *h, int count, FieldValue *to) {
    ON(h);
    for (int i = 0; !code && i < count; i++) {
        long long v = 0;
        to[i].type = 3;
        to[i].code = to[i].field == 91 && d->links ? (v = d->links, OK) : ask(OK, d, s, sensor_of(to[i].field), &v);
        to[i].value.whole = v;
    }
    DONE;
}

EXPORT int nvmlDeviceIsMigDeviceHandle(Handle *h, unsigned *to) { ON(h); if (!code) *to = s != NULL; DONE; }
EXPORT int nvmlDeviceGetMigMode(Handle *h, unsigned *now, unsigned *pending) {
    ON(h);
    if (!code && d->mig < 0) code = NOT_SUPPORTED;
    if (!code) *now = *pending = d->mig;
    DONE;
}
EXPORT int nvmlDeviceGetMaxMigDeviceCount(Handle *h, unsigned *to) { ON(h); if (!code) *to = d->mig > 0 ? 7 : 0; DONE; }
EXPORT int nvmlDeviceGetMigDeviceHandleByIndex(Handle *h, unsigned index, Handle **to) {
    ON(h);
    if (!code && index >= (unsigned)d->slices) code = NOT_FOUND;
    if (!code) *to = &handles[h->device][index + 1];
    DONE;
}
EXPORT int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(Handle *h, Handle **to) { ON(h); if (!code) *to = &handles[h->device][0]; DONE; }
EXPORT int nvmlDeviceGetGpuInstanceId(Handle *h, unsigned *to) { ON(h); if (!code && !s) code = NOT_SUPPORTED; if (!code) *to = s->gi; DONE; }
EXPORT int nvmlDeviceGetComputeInstanceId(Handle *h, unsigned *to) { ON(h); if (!code && !s) code = NOT_SUPPORTED; if (!code) *to = s->ci; DONE; }

typedef struct { unsigned pid; u64 memory; unsigned gi, ci; } ProcessInfo;
static int processes(int code, Device *d, Slice *s, char letter, unsigned *count, ProcessInfo *to) {
    if (code) return code;
    unsigned room = to ? *count : 0, found = 0;
    for (int i = 0; i < d->processes; i++) {
        const Process *p = &d->process[i];
        if (!listed(p, s, letter)) continue;
        if (found < room)
            to[found] = (ProcessInfo){p->pid, p->bytes < 0 ? ~0ULL : (u64)p->bytes, p->gi < 0 ? ~0u : (unsigned)p->gi,
                                      p->ci < 0 ? ~0u : (unsigned)p->ci};
        found++;
    }
    *count = found;
    return found > room ? TOO_SMALL : OK;
}
#define LIST(name, letter) EXPORT int name(Handle *h, unsigned *n, ProcessInfo *to) \
    { ON(h); code = processes(code, d, s, letter, n, to); DONE; }
LIST(nvmlDeviceGetComputeRunningProcesses_v2, 'C')
LIST(nvmlDeviceGetComputeRunningProcesses_v3, 'C')
LIST(nvmlDeviceGetGraphicsRunningProcesses_v2, 'G')
LIST(nvmlDeviceGetGraphicsRunningProcesses_v3, 'G')
LIST(nvmlDeviceGetMPSComputeRunningProcesses_v2, 'M')
LIST(nvmlDeviceGetMPSComputeRunningProcesses_v3, 'M')

typedef struct { unsigned pid; u64 at; unsigned sm, memory, encoder, decoder; } Busy;
EXPORT int nvmlDeviceGetProcessUtilization(Handle *h, Busy *to, unsigned *count, u64 last) {
    ON(h);
    long long mode = 0;
    if (!code && (d->mig > 0 || ask(0, d, s, S_process_utilization, &mode))) code = NOT_SUPPORTED;
    if (code) { DONE; }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    unsigned room = to ? *count : 0, found = 0;
    for (int i = 0; i < d->processes; i++) {
        const Process *p = &d->process[i];
        u64 at = p->seen ? p->seen : (u64)now.tv_sec * 1000000 + now.tv_nsec / 1000;
        if (p->sm == -1 || at <= last || !listed(p, s, 0)) continue;
        unsigned sm = p->sm == -2 ? (at / 1000 + p->pid) % 100 : (unsigned)p->sm;
        if (found < room) to[found] = (Busy){p->pid, at, sm, p->memory, 0, 0};
        found++;
    }
    *count = found;
    if (!found) code = NOT_FOUND;
    else if (found > room) code = TOO_SMALL;
    DONE;
}

static u64 newest(void) {
    u64 seq = 0;
    for (int i = 0; i < state.events; i++) if (state.event[i].seq > seq) seq = state.event[i].seq;
    return seq;
}
EXPORT int nvmlEventSetCreate(EventSet **to) {
    SYSTEM;
    if (!code && (*to = calloc(1, sizeof(EventSet)))) (*to)->seen = newest();
    DONE;
}
EXPORT int nvmlEventSetFree(EventSet *set) { SYSTEM; if (!code) free(set); DONE; }
EXPORT int nvmlDeviceGetSupportedEventTypes(Handle *h, u64 *to) { ON(h); if (!code) *to = 0x1f; DONE; }
EXPORT int nvmlDeviceRegisterEvents(Handle *h, u64 types, EventSet *set) { ON(h); if (!code) set->types[h->device] |= types; DONE; }

typedef struct { Handle *device; u64 type, data; unsigned gi, ci; } EventData;
EXPORT int nvmlEventSetWait_v2(EventSet *set, EventData *to, unsigned timeout_ms) {
    struct timespec start, now, nap = {0, 50000000};
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (;;) {
        pthread_mutex_lock(&lock);
        int code = begin(__func__);
        Event *next = NULL;
        for (int i = 0; !code && i < state.events; i++) {
            Event *e = &state.event[i];
            if (e->device < 0 || e->device >= MAX_DEVICES || !(set->types[e->device] & e->type)) continue;
            if (e->seq > set->seen && (!next || e->seq < next->seq)) next = e;
        }
        if (next) {
            *to = (EventData){&handles[next->device][0], next->type, next->data, ~0u, ~0u};
            set->seen = next->seq;
        }
        pthread_mutex_unlock(&lock);
        if (code || next) return code;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 >= (long)timeout_ms)
            return TIMEOUT;
        nanosleep(&nap, NULL);
    }
}
