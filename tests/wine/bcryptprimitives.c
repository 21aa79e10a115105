/* Programs of Rust ask bcryptprimitives.dll for random bytes. Wine before 9 has no such file: this one, laid beside a
   program, asks the function that Wine has. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length)
{
    return SystemFunction036(data, (ULONG)length);
}
