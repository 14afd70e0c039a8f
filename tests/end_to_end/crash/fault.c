// Preloaded into the program under test. Counts the system calls that change files below FAULT_ROOT, whoever makes them (the
// standard library, SQLite, or code that calls the kernel directly), and at the one numbered FAULT_AT kills the process, or
// from it on says that the disk is full. FAULT_LOG receives a line for each call counted.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

// The one place from which the calls are let through: the filter knows it by the address behind its `syscall`.
long fault_gate(long number, long a, long b, long c, long d, long e, long f);
extern char fault_after[];
__asm__(".text\n.globl fault_gate\n.type fault_gate,@function\nfault_gate:\n"
        "mov %rdi,%rax\nmov %rsi,%rdi\nmov %rdx,%rsi\nmov %rcx,%rdx\nmov %r8,%r10\nmov %r9,%r8\nmov 8(%rsp),%r9\n"
        "syscall\n.globl fault_after\nfault_after:\nret\n");

static const int CALLS[] = {SYS_write, SYS_pwrite64, SYS_writev, SYS_ftruncate, SYS_fsync, SYS_fdatasync, SYS_rename,
                            SYS_renameat, SYS_renameat2, SYS_unlink, SYS_unlinkat, SYS_link, SYS_linkat};
enum { COUNT = sizeof CALLS / sizeof *CALLS };

static char root[1024];
static size_t root_length;
static long at;
static int full, log_file = -1;
static atomic_long counted;

static int below_root(const char *path) {
    return strncmp(path, root, root_length) == 0 && !strstr(path, "/p2p/logs/");
}

// What a file descriptor or a path (relative to one) names.
static int names_ours(int dir, const char *path) {
    char link[64], name[2048];
    if (path && path[0] == '/') return below_root(path);
    if (path && dir == AT_FDCWD) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
    long length = readlink(link, name, sizeof name - 1);
    if (length <= 0) return 0;
    name[length] = 0;
    return below_root(name);
}

static int is_ours(int call, long a, long b) {
    switch (call) {
    case SYS_rename: case SYS_unlink: case SYS_link: return names_ours(AT_FDCWD, (const char *)a);
    case SYS_renameat: case SYS_renameat2: case SYS_unlinkat: case SYS_linkat: return names_ours(a, (const char *)b);
    default: return names_ours(a, NULL);
    }
}

static const char *name_of(int call) {
    switch (call) {
    case SYS_write: case SYS_pwrite64: case SYS_writev: return "write";
    case SYS_ftruncate: return "truncate";
    case SYS_fsync: case SYS_fdatasync: return "fsync";
    case SYS_unlink: case SYS_unlinkat: return "unlink";
    default: return "rename";
    }
}

static void trapped(int signal, siginfo_t *info, void *context) {
    (void)signal;
    greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
    int saved = errno, call = info->si_syscall;
    long a = regs[REG_RDI], b = regs[REG_RSI], result = 0;
    if (is_ours(call, a, b)) {
        long number = atomic_fetch_add(&counted, 1) + 1;
        const char *name = name_of(call);
        if (log_file >= 0) {
            char line[64];
            int length = snprintf(line, sizeof line, "%s\n", name);
            fault_gate(SYS_write, log_file, (long)line, length, 0, 0, 0);
        }
        if (at && !full && number == at) kill(getpid(), SIGKILL);
        if (at && full && number >= at && (*name == 'w' || *name == 't')) result = -ENOSPC;
    }
    if (!result) result = fault_gate(call, a, b, regs[REG_RDX], regs[REG_R10], regs[REG_R8], regs[REG_R9]);
    regs[REG_RAX] = result;
    errno = saved;
}

__attribute__((constructor)) static void begin(void) {
    const char *of = getenv("FAULT_ROOT");
    if (!of) return;
    root_length = strlen(of);
    strncpy(root, of, sizeof root - 1);
    at = getenv("FAULT_AT") ? atol(getenv("FAULT_AT")) : 0;
    full = getenv("FAULT_FULL") != NULL;
    if (getenv("FAULT_LOG")) log_file = open(getenv("FAULT_LOG"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART};
    action.sa_sigaction = trapped;
    sigaction(SIGSYS, &action, NULL);

    struct sock_filter filter[8 + COUNT + 4];
    int n = 0;
    uint64_t after = (uint64_t)(uintptr_t)fault_after;
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int i = 0; i < COUNT; i++)
        filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CALLS[i], COUNT - i, 0);
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer));
    filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)after, 0, 3);
    filter[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4);
    filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(after >> 32), 0, 1);
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
    struct sock_fprog program = {.len = n, .filter = filter};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) _exit(97);
}
