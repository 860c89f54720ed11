//! Three engines that are the managers of one swarm.

use super::Docker;
use super::script::{Running, Unavailable};

/// Three engines on this machine that are the managers of one swarm, each with a network of its own.
///
/// Nodes are numbered from 1 and called `node1`, `node2`, `node3`; the first is the leader at the start.
#[derive(Debug)]
pub struct ThreeManagers {
    running: Running,
    nodes: Vec<(Docker, String)>,
}

impl ThreeManagers {
    /// Starts them. They stop when the value is dropped.
    ///
    /// # Errors
    /// When this machine cannot run them.
    pub fn start() -> Result<Self, Unavailable> {
        let running = Running::start(3)?;
        let variables = running.variables()?;
        let node = |number: u32| {
            let host = variables.get(&format!("RHUMB_NODE{number}"))?;
            let address = variables.get(&format!("RHUMB_NODE{number}_ADDRESS"))?;
            Some((Docker::new(host), address.clone()))
        };
        let nodes: Vec<_> = (1..=3).filter_map(node).collect();
        if nodes.len() != 3 {
            return Err(Unavailable("engine.sh names fewer than three nodes".to_owned()));
        }
        Ok(Self { running, nodes })
    }

    /// The docker CLI for a node, from 1.
    ///
    /// # Panics
    /// When there is no such node.
    pub fn docker(&self, node: u32) -> &Docker {
        &self.nodes[node as usize - 1].0
    }

    /// The address of a node, from 1, at which its host-mode ports answer.
    ///
    /// # Panics
    /// When there is no such node.
    pub fn address(&self, node: u32) -> &str {
        &self.nodes[node as usize - 1].1
    }

    /// Cuts a node's power: its engine and its containers end at once.
    ///
    /// # Errors
    /// What the script says.
    pub fn lose_node(&self, node: u32) -> Result<(), Unavailable> {
        self.running.node("lose", node)
    }

    /// Pulls a node's network cable; what runs on it goes on.
    ///
    /// # Errors
    /// What the script says.
    pub fn cut_node(&self, node: u32) -> Result<(), Unavailable> {
        self.running.node("cut", node)
    }

    /// Brings a lost or cut node back.
    ///
    /// # Errors
    /// What the script says.
    pub fn return_node(&self, node: u32) -> Result<(), Unavailable> {
        self.running.node("return", node)
    }
}
