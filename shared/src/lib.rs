//! What every signalbox function shares.
