/* Makes the relocated constants of the program read-only (RELRO) before `main`: the start code of a dynamic loader and
   of glibc does so, that of a static program with musl does not. Linked into musl builds only, see build.rs. It is C
   because the Rust of this program has no `unsafe`, and declares what it needs itself because a cross-compiler may
   come without headers. */

typedef unsigned long word;

struct header {
    unsigned type, flags;
    word offset, address, physical, file_size, memory_size, alignment;
};

enum { AT_PHDR = 3, AT_PHNUM = 5, AT_PAGESZ = 6, PT_DYNAMIC = 2, PT_GNU_RELRO = 0x6474e552, PROT_READ = 1 };

extern word getauxval(word);
extern int mprotect(void *, word, int);
/* Where the program was placed follows from it; a program that is not a PIE has none. */
extern const char _DYNAMIC[] __attribute__((weak, visibility("hidden")));

__attribute__((constructor)) static void protect_relro(void)
{
    const struct header *headers = (const struct header *)getauxval(AT_PHDR);
    word count = getauxval(AT_PHNUM), page = getauxval(AT_PAGESZ), base = 0;
    for (word i = 0; i < count; i++)
        if (headers[i].type == PT_DYNAMIC && _DYNAMIC)
            base = (word)_DYNAMIC - headers[i].address;
    for (word i = 0; i < count; i++)
        if (headers[i].type == PT_GNU_RELRO) {
            word start = (base + headers[i].address) & -page;
            word end = (base + headers[i].address + headers[i].memory_size) & -page;
            /* Where the system refuses, the program runs as it would without. */
            (void)mprotect((void *)start, end - start, PROT_READ);
        }
}
