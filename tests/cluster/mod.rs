mod life;
mod network;
