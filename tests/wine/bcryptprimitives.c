/* Rust programs get random bytes from bcryptprimitives.dll, which Wine before version 9 lacks. This replacement calls
   the function that Wine has. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length)
{
    return SystemFunction036(data, (ULONG)length);
}
