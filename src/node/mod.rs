//! A connected node and the two capabilities over it: [`Probe`] reads, [`Hands`] alters.
