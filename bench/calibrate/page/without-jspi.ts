// In this order, and not by import(): a worker that awaits while it starts loses its first messages.
import './forget-jspi.ts';
import '../../../worker/main.ts';
