//! Every message of ours, judged by the official schemas.
