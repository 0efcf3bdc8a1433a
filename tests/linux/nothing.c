/*
 * A static program that does nothing: what fork_exec_wait of bench.c starts.
 */
int main(void)
{
    return 0;
}
