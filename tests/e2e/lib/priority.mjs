// Import this first. The tests measure Tessera and not what else runs on the machine: clients and
// server are put before other programs, where we may do that. Threads and children inherit it.

import { setPriority } from 'node:os';

try {
    setPriority(-15);
} catch {
    // Not permitted: then the machine has to be quiet by itself.
}
