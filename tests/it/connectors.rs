//! Connections to platforms that really run: a second database, an HTTP service, an Apache Airflow. What all kinds promise
//! is tested on all of them; what one kind promises alone has a file of its own.

mod airflow;
mod airflow_v1;
mod http;
mod postgres;
mod promises;
