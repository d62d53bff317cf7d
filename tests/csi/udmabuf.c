/* Stands in for /dev/udmabuf where the kernel has none: what is made of a memory is that memory. libcamera's imitated
 * cameras (pipeline "virtual") take their buffers from there. Loaded by LD_PRELOAD; scripts/lib/csi.sh. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/dma-buf.h>
#include <linux/udmabuf.h>

typedef int opener(const char *, int, ...);

static int open_or_stand_in(const char *function, const char *path, int flags, int mode)
{
	/* Any descriptor will do: only its ioctl, below, is called. */
	if (path && !strcmp(path, "/dev/udmabuf"))
		return memfd_create("udmabuf", MFD_CLOEXEC);
	opener *real = (opener *)dlsym(RTLD_NEXT, function);
	return real(path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	va_list rest;
	va_start(rest, flags);
	int mode = va_arg(rest, int);
	va_end(rest);
	return open_or_stand_in("open", path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list rest;
	va_start(rest, flags);
	int mode = va_arg(rest, int);
	va_end(rest);
	return open_or_stand_in("open64", path, flags, mode);
}

int ioctl(int descriptor, unsigned long request, ...)
{
	va_list rest;
	va_start(rest, request);
	void *argument = va_arg(rest, void *);
	va_end(rest);
	if (request == UDMABUF_CREATE)
		return fcntl((int)((struct udmabuf_create *)argument)->memfd, F_DUPFD_CLOEXEC, 3);
	if (request == DMA_BUF_IOCTL_SYNC)
		return 0;
	int (*real)(int, unsigned long, ...) = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
	return real(descriptor, request, argument);
}
