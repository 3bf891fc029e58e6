// SPDX-License-Identifier: GPL-2.0
/*
 * The only process of a guest that imsgen run boots: reads and writes files as it is told
 *
 * One command a line on its terminal: "r PATH" prints a file, "w PATH TEXT" writes one, "l PATH"
 * lists a folder. The answer ends with a new line, "@@", and 0 or an errno.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <termios.h>
#include <unistd.h>

static int show(const char *path)
{
	char buf[4096];
	ssize_t n = -1;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return errno;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, n, stdout);
	n = n < 0 ? errno : 0;
	close(fd);
	return n;
}

static int list(const char *path)
{
	struct dirent *entry;
	DIR *dir = opendir(path);

	if (!dir)
		return errno;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			puts(entry->d_name);
	closedir(dir);
	return 0;
}

static int store(char *path)
{
	char *text = strchr(path, ' ');
	int fd, ret = 0;

	if (!text)
		return EINVAL;
	*text++ = 0;
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = errno;
	close(fd);
	return ret;
}

int main(void)
{
	struct termios mode;
	char line[4096];
	int fd, ret;

	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	fd = open("/dev/tty1", O_RDWR);
	if (fd < 0 || tcgetattr(fd, &mode))
		goto out;
	cfmakeraw(&mode);
	tcsetattr(fd, TCSANOW, &mode);
	dup2(fd, 0);
	dup2(fd, 1);

	puts("@@ 0");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		switch (line[0]) {
		case 'r':
			ret = show(line + 2);
			break;
		case 'l':
			ret = list(line + 2);
			break;
		case 'w':
			ret = store(line + 2);
			break;
		default:
			ret = EINVAL;
		}
		printf("\n@@ %d\n", ret);
		fflush(stdout);
	}
out:
	sync();
	reboot(RB_POWER_OFF);
	return 1;
}
