//! A double of Amazon ECS, in front of moto for the services around it.
